import type { Cursor, PersonData, Status } from '../../protocol/entities.ts';
import type { Turn } from '../platform/turn.ts';

/** One connection in one session. An empty `connectionId` is a presence without a connection, which receives nothing. */
export interface Seat {
  sessionId: string;
  userId: string;
  connectionId: string;
}

/** How the connection table names the place of an agent, which has no connection (rule SA7). */
export const agentConnection = (userId: string) => `agent:${userId}`;

/** Whether this is the id of a connection, which can receive frames. */
export const isConnection = (connectionId: string) => connectionId !== '' && !connectionId.startsWith('agent:');

/** The id of a connection in a seat: an agent has none. */
export const seatIdOf = (connectionId: string) => (isConnection(connectionId) ? connectionId : '');

/** What a frame says about its sender. */
export interface Touch {
  kind: 'heartbeat' | 'cursor' | 'update';
  /** Heartbeats only: no user activity since the last one. */
  idle?: boolean | undefined;
  /** Heartbeats only: the timers of the connection are throttled (rule PR17). */
  hidden?: boolean | undefined;
  /** `null` removes it, and an absent field does not change it. The same holds for `activity`. */
  cursor?: Cursor | null | undefined;
  status?: Status | undefined;
  activity?: string | null | undefined;
  /** A change by top-level keys; `null` removes a key. */
  data?: PersonData | undefined;
  /** The turn of the frame among the frames of its connection (rule PR18). */
  turn?: Turn | undefined;
}
