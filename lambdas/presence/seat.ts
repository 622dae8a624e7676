import type { Cursor, Status } from '../../protocol/entities.ts';
import type { Turn } from '../delivery/turn.ts';

/** One socket in one session. An empty `connectionId` is a presence without a socket, which receives nothing. */
export interface Seat {
  sessionId: string;
  userId: string;
  connectionId: string;
}

/** What a frame says about its sender. */
export interface Touch {
  kind: 'heartbeat' | 'cursor' | 'update';
  /** Heartbeats only: no user activity since the last one. */
  idle?: boolean | undefined;
  cursor?: Cursor | undefined;
  status?: Status | undefined;
  /** `null` removes it, absent leaves it. */
  activity?: string | null | undefined;
  /** Where the frame stands among those of its connection (rule PR18). */
  turn?: Turn | undefined;
}
