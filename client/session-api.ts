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

/** Options of every request: it settles within ten seconds, or earlier with the signal's reason. */
export interface RequestOptions {
  signal?: AbortSignal;
}

/** Which part of the audit trail is wanted; times are Unix milliseconds. */
export interface ActivityQuery extends RequestOptions {
  /** At most so many entries, up to 1,000. */
  limit?: number;
  /** The `next` of the page before. */
  before?: string;
  activityType?: string;
  userId?: string;
  from?: number;
  to?: number;
}

/** What a new invitation allows. */
export interface InviteTerms extends RequestOptions {
  role: Role;
  /** Seconds it can be used; a day where nothing is said. */
  expiresInSeconds?: number;
  /** How many people may use it; any number where nothing is said. */
  maxUses?: number;
}

/** A new invitation: `invite` is what a link carries; `expiresAt` is Unix milliseconds. */
export interface Invite {
  inviteId: string;
  invite: string;
  expiresAt: number;
}

/**
 * One session of a client. What it shows is immutable and stays the same object until it changes.
 *
 * Requests reject with a `RollcallError`, and with `UNAVAILABLE` if no answer came within ten seconds.
 */
export interface Session<T extends Types = Types> {
  /**
   * Resolves once joined. Rejects with the reason why that is impossible, or with a retryable `UNAVAILABLE` after ten
   * seconds without a connection: then the client goes on trying, and `ready` is a new promise.
   */
  readonly ready: Promise<void>;
  /** The session's UUID; until it is known, what it was joined by. */
  readonly id: string;
  /** What is stored of the session; undefined until it was joined. */
  readonly info: SessionInfo<T> | undefined;
  /** What this person may do here; undefined until joined. */
  readonly role: Role | undefined;
  readonly state: SessionState;
  /** This person, with changes that are still on their way. */
  readonly self: User<T> | undefined;
  readonly others: readonly User<T>[];
  /** Everybody, this person included. */
  readonly users: readonly User<T>[];
  /** Where the others point. */
  readonly cursors: readonly UserCursor<T>[];

  /** Chooses how present this person is shown; `offline` is invisible. It holds through reconnects. */
  setStatus(status: Status): void;
  /** Says in at most 200 characters what this person does; `null` takes it away. */
  setActivity(activity: string | null): void;
  /** Changes keys of this person's data; `null` removes a key. */
  setData(patch: DataPatch<T>): void;
  /** Says where this person points. The latest one is sent, at most once per window of the service (100 ms). */
  setCursor(cursor: CursorOf<T> | null): void;
  /**
   * Sends an ephemeral event to everybody else, or to the users in `to`.
   *
   * @returns false if there is no connection: it is not sent later.
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
  /** Everything that is shown; the same object until something changes. */
  getSnapshot(): SessionSnapshot<T>;

  /**
   * Writes an entry into the audit trail. Without a connection it is kept and sent once there is one, exactly once.
   *
   * @returns within ten seconds; `pending` where it was kept and is not stored yet.
   */
  logActivity(type: string, details?: object): Promise<LoggedActivity>;
  /** A page of the audit trail, newest first; `next` is there as long as there are more. */
  queryActivity(query?: ActivityQuery): Promise<{ items: ActivityItem[]; next?: string }>;
  /** Who was here at a moment (Unix milliseconds), since when, until when and why they left. */
  presenceAt(time: number, options?: RequestOptions): Promise<Stay[]>;
  participants(options?: RequestOptions): Promise<SessionParticipant[]>;
  /** Changes what somebody may do; for the owner. */
  setRole(userId: string, role: Role, options?: RequestOptions): Promise<void>;
  /** Takes somebody out; for the owner. */
  remove(userId: string, reason?: string, options?: RequestOptions): Promise<void>;
  createInvite(terms: InviteTerms): Promise<Invite>;
  revokeInvite(inviteId: string, options?: RequestOptions): Promise<void>;
  /** Ends the session for everybody; for the owner. */
  end(status?: 'completed' | 'failed', options?: RequestOptions): Promise<void>;
  /** Brings an expired session back and joins it; for the owner, for a day after it expired. */
  recover(options?: RequestOptions): Promise<void>;
  /**
   * Leaves, once every caller who joined has left. The others are told at once, or after the grace where the connection is
   * lost. Never rejects.
   */
  leave(): Promise<void>;
}
