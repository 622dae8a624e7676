import type { Cursor, Status } from '../../protocol/entities.ts';

/** What a frame says about its sender. */
export interface Touch {
  kind: 'heartbeat' | 'cursor' | 'update';
  /** Heartbeats only: no user activity since the last one. */
  idle?: boolean | undefined;
  cursor?: Cursor | undefined;
  status?: Status | undefined;
  /** `null` removes it, absent leaves it. */
  activity?: string | null | undefined;
  /** The number of the frame among those of its connection (rule PR18). */
  order?: number | undefined;
}
