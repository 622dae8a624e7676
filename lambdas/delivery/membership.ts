import type { Role } from '../../protocol/entities.ts';

/** A connection that joined a session: what is needed to seat it again without asking PostgreSQL who it is. */
export interface Membership {
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
  /** Whether the connection had not joined the session before. */
  isNew: boolean;
}

/** What a leave found. */
export interface Left {
  /** The number of the leave, see `Membership.version`. */
  version: number;
  /** Undefined where the connection had not joined. */
  membership: Membership | undefined;
}
