import type { ActivityItem, Role, SessionParticipant, Status, Stay } from '../protocol/entities.ts';
import type { LoggedActivity } from './outbox.ts';
import type { SessionEvents } from './session-events.ts';
import type {
  BroadcastName,
  BroadcastsOf,
  CursorOf,
  DataPatch,
  SessionInfo,
  SessionSnapshot,
  SessionState,
  Types,
  User,
  UserCursor,
} from './types.ts';

/** Options of each request. It settles within ten seconds; if the signal aborts, it rejects at once with the signal's reason. */
export interface RequestOptions {
  signal?: AbortSignal;
}

/** The wanted part of the audit trail; times are Unix milliseconds. */
export interface ActivityQuery extends RequestOptions {
  /** The largest number of entries, up to 1,000. */
  limit?: number;
  /** The `next` of the previous page. */
  before?: string;
  activityType?: string;
  userId?: string;
  from?: number;
  to?: number;
}

/** The terms of a new invite. */
export interface InviteTerms extends RequestOptions {
  role: Role;
  /** How long it can be used, in seconds; by default a day. */
  expiresInSeconds?: number;
  /** How many users may use it; by default any number. */
  maxUses?: number;
}

/** A new invite. `invite` is the token for a link; `expiresAt` is in Unix milliseconds. */
export interface Invite {
  inviteId: string;
  invite: string;
  expiresAt: number;
}

/**
 * One session of a client. Its values are immutable and stay the same objects until they change.
 *
 * Requests reject with a `RollcallError`; its code is `UNAVAILABLE` if no answer came within ten seconds.
 */
export interface Session<T extends Types = Types> {
  /**
   * Resolves when the session is joined. Rejects if the service refuses the join. After ten seconds without a connection it rejects
   * with a retryable `UNAVAILABLE`; then the client continues to try, and `ready` is a new promise. That has the same limit after the next
   * call of `join` or `open`.
   */
  readonly ready: Promise<void>;
  /** The session's UUID; before the first join the id, name or key that was given. */
  readonly id: string;
  /** The stored fields of the session; undefined before the first join. */
  readonly info: SessionInfo<T> | undefined;
  /** The role of this user; undefined before the first join. */
  readonly role: Role | undefined;
  readonly state: SessionState;
  /** This user, including changes that are not confirmed yet. */
  readonly self: User<T> | undefined;
  readonly others: readonly User<T>[];
  /** All users, including this one. */
  readonly users: readonly User<T>[];
  /** The cursors of the others. */
  readonly cursors: readonly UserCursor<T>[];

  /** Chooses the status that others see; `offline` makes this user invisible. The choice survives reconnects. */
  setStatus(status: Status): void;
  /** Sets a text of at most 200 characters about what this user does; `null` removes it. */
  setActivity(activity: string | null): void;
  /** Changes keys of this user's data; `null` removes a key. */
  setData(patch: DataPatch<T>): void;
  /** Sets this user's cursor. The latest one is sent, at most once per window of the service (100 ms). */
  setCursor(cursor: CursorOf<T> | null): void;
  /**
   * Sends an ephemeral event to all others, or to the users in `to`.
   *
   * @returns false if there is no connection. Then the event is not sent, not even later.
   */
  broadcast<E extends BroadcastName<T>>(
    event: E,
    payload?: BroadcastsOf<T>[E],
    options?: { to?: readonly string[] },
  ): boolean;

  /** @returns the function that unsubscribes. */
  on<E extends keyof SessionEvents<T>>(event: E, listener: (value: SessionEvents<T>[E]) => void): () => void;
  /** Calls the listener after each change of the snapshot. @returns the function that unsubscribes. */
  subscribe(listener: () => void): () => void;
  /** The whole state of the session; the same object until a part changes. */
  getSnapshot(): SessionSnapshot<T>;

  /**
   * Writes an entry into the audit trail. Without a connection the client keeps it and sends it later; it is written exactly once.
   *
   * @returns within ten seconds; with `pending` if the client keeps the entry and the service has not stored it yet.
   */
  logActivity(type: string, details?: object): Promise<LoggedActivity>;
  /** A page of the audit trail, newest entries first; it has `next` if there are more. */
  queryActivity(query?: ActivityQuery): Promise<{ items: ActivityItem[]; next?: string }>;
  /** The stays of the users who were present at a time (Unix milliseconds), with their ends and causes. */
  presenceAt(time: number, options?: RequestOptions): Promise<Stay[]>;
  /** The participants who hold a slot in the session. */
  participants(options?: RequestOptions): Promise<SessionParticipant[]>;
  /** Changes the role of a participant; only the owner may do it. */
  setRole(userId: string, role: Role, options?: RequestOptions): Promise<void>;
  /** Removes a participant; only the owner may do it. */
  remove(userId: string, reason?: string, options?: RequestOptions): Promise<void>;
  /** Creates an invite to the session; only the owner may do it. */
  createInvite(terms: InviteTerms): Promise<Invite>;
  /** Revokes an invite, so that it is refused from now on; only the owner may do it. */
  revokeInvite(inviteId: string, options?: RequestOptions): Promise<void>;
  /** Ends the session for all; only the owner may do it. */
  end(status?: 'completed' | 'failed', options?: RequestOptions): Promise<void>;
  /**
   * Recovers an expired session and joins it; only the owner may do it, within a day after the expiry. In an active session it changes
   * nothing.
   */
  recover(options?: RequestOptions): Promise<void>;
  /**
   * Leaves when each caller who joined has left. Others are told at once; without a connection they are told after the grace.
   * Never rejects.
   */
  leave(): Promise<void>;
}
