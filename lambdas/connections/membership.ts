import type { Role } from '../../protocol/entities.ts';
import { connectionLifetimeMillis } from '../../protocol/timings.ts';
import type { KeptData } from '../platform/kept-data.ts';

/** Sort key of the item that stands for the connection itself. */
export const connectionItem = '-';
/** Leaves room for the clocks of two services; the table's TTL is tidiness, never a signal. */
const keptMillis = connectionLifetimeMillis + 60 * 60 * 1000;

/** A connection that joined a session: what is needed to seat it again without asking PostgreSQL who it is. */
export interface Membership extends KeptData {
  connectionId: string;
  /** UUID of the session. */
  sessionId: string;
  sessionName: string;
  userId: string;
  username: string;
  role: Role;
  /** The least role that sees cursors in the session, where it names one. */
  cursorRole?: Role | undefined;
  /** Joined while Redis was away: written into the audit trail, and not seated yet. */
  unseated?: boolean | undefined;
  /** Whether the user chose to be invisible there: Redis may forget it, and must not show them by that (rule PR5). */
  invisible?: boolean | undefined;
  joinedAt: number;
  /** Numbers the joins and leaves of this connection in this session as the table took them; a later one has more. */
  version?: number | undefined;
}

/** What a join wrote. */
export interface Joined {
  membership: Membership;
  /** Whether the connection was not in the session. */
  isNew: boolean;
  /** Whether the connection was never in the session. */
  isFirst: boolean;
}

/** What a leave found. */
export interface Left {
  /** The number of the leave, see `Membership.version`. */
  version: number;
  /** Undefined where the connection had not joined. */
  membership: Membership | undefined;
}

/** The items of a connection also stand for the connection itself and for sessions that it left. */
export function isMembership({ sessionId, userId }: Partial<Membership>): boolean {
  return sessionId !== connectionItem && userId !== undefined;
}

/** DynamoDB's TTL counts in seconds. */
export function expiry(from: number): number {
  return Math.floor((from + keptMillis) / 1000);
}
