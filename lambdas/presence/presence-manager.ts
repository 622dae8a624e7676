import type { Cluster, Redis } from 'ioredis';
import type { Cursor, LeaveCause, PersonData, PresenceUser, Role, Status } from '../../protocol/entities.ts';
import type { Timings } from '../../protocol/timings.ts';
import type { Entering } from './entering.ts';
import { presenceKeys } from './keys.ts';
import type { EnterOutcome, PresenceOutcome, TouchOutcome } from './outcome.ts';
import { PresenceStore, type Seat, type Touch } from './presence-store.ts';

/** A change as it is published on `presence:updates:{<sessionId>}`. */
export interface PresenceEvent {
  type: 'online' | 'away' | 'offline' | 'cursor' | 'activity' | 'data';
  sessionId: string;
  userId: string;
  timestamp: number;
  data?: { cursor?: Cursor | null; activity?: string | null; data?: PersonData; cause?: LeaveCause };
}

export interface PresenceLog {
  debug(message: string): void;
  error(message: string, error: Error): void;
}

export interface PresenceManagerOptions {
  timings: Timings;
  log: PresenceLog;
  /** Unix milliseconds; a test gives its own. */
  clock?: () => number;
}

/** Which of the user's sockets acts, and as whom. Without a connection the user is present but receives nothing. */
export interface Acting {
  connectionId?: string;
  username?: string;
  role?: Role;
  /** The least role that sees cursors in this session, where it names one. */
  cursorRole?: Role | undefined;
  /** Whether the connection takes the compact form of cursors. */
  compact?: boolean | undefined;
  /** What is known of their slot and arrival; see `Entering`. */
  arrivalState?: Entering['arrivalState'];
  /** Whether they come back invisible; see `Entering`. */
  invisible?: boolean | undefined;
  /** What the join says, and what they had told before; see `Entering`. */
  said?: Entering['said'];
  kept?: Entering['kept'];
  /** Where the join stands among those of its connection; see `Entering`. */
  version?: Entering['version'];
  turn?: Entering['turn'];
}

/** What `LOG_LEVEL=DEBUG` tells of each frame. */
const sentences: Record<Touch['kind'], (seat: Seat) => string> = {
  heartbeat: ({ userId }) => `Heartbeat received from user ${userId}`,
  cursor: ({ userId, sessionId }) => `Cursor of user ${userId} received in session ${sessionId}`,
  update: ({ userId, sessionId }) => `Set presence for user ${userId} in session ${sessionId}`,
};

/**
 * The public presence API: who is in a session, how present they are and where they point. It is an adapter of
 * `PresenceStore`: it gives the scripts names, defaults and log lines. Use cases that need more than this API, such as
 * visits and windows, work with `store`.
 *
 * Each method answers what changed and who receives it. The caller sends it, so that a change is recorded before it is told.
 */
export class PresenceManager {
  readonly store: PresenceStore;
  readonly #redis: Redis | Cluster;
  readonly #timings: Timings;
  readonly #log: PresenceLog;
  readonly #clock: () => number;
  #subscriber: Redis | Cluster | undefined;
  readonly #callbacks = new Map<string, Set<(event: PresenceEvent) => void>>();

  constructor(redis: Redis | Cluster, options: PresenceManagerOptions) {
    this.#redis = redis;
    this.#timings = options.timings;
    this.#log = options.log;
    this.#clock = options.clock ?? Date.now;
    this.store = new PresenceStore(redis, options.timings);
  }

  /**
   * Records a frame of a connection. Undefined where its seat is not known.
   *
   * @throws RollcallError RATE_LIMITED where the connection sends more than its limit.
   */
  async touch(seat: Seat, touch: Touch, now = this.#clock()): Promise<TouchOutcome | undefined> {
    const outcome = await this.store.touch(seat, touch, now);
    if (outcome) this.#log.debug(`[PresenceManager] ${sentences[touch.kind](seat)}`);
    return outcome;
  }

  /**
   * Sets the status a user chose: `away` holds until user activity, `offline` until another choice (rule PR5). A user
   * without a connection is seated first; with a `connectionId` that is not seated the answer is undefined.
   */
  async setPresence(
    sessionId: string,
    userId: string,
    status: Status,
    cursor?: Cursor,
    acting: Acting & { activity?: string | null } = {},
  ): Promise<TouchOutcome | undefined> {
    const touch = { kind: 'update', status, cursor, activity: acting.activity } as const;
    const seat = seatOf(sessionId, userId, acting);
    const outcome = await this.touch(seat, touch);
    if (outcome || acting.connectionId) return outcome;
    await this.enter(sessionId, userId, acting);
    return this.touch(seat, touch);
  }

  /** Users who are online or away, and with `includeOffline` the offline too; never one without a record (rule PR13). */
  async getOnlineUsers(sessionId: string, options: { includeOffline?: boolean } = {}): Promise<PresenceUser[]> {
    const listed = await this.store.list(sessionId, this.#clock());
    const users = listed?.users ?? [];
    return options.includeOffline ? users : users.filter((user) => user.status !== 'offline');
  }

  /** Records a sign of life. Undefined where the seat is not known: the user timed out or never joined. */
  async processHeartbeat(
    sessionId: string,
    userId: string,
    cursor?: Cursor,
    acting: Acting & { idle?: boolean } = {},
  ): Promise<TouchOutcome | undefined> {
    return this.touch(seatOf(sessionId, userId, acting), { kind: 'heartbeat', cursor, idle: acting.idle });
  }

  /** Moves a user's cursor, in one step with the sign of life it is. Undefined where the seat is not known. */
  async updateCursor(
    sessionId: string,
    userId: string,
    cursor: Cursor,
    acting: Acting = {},
  ): Promise<TouchOutcome | undefined> {
    return this.touch(seatOf(sessionId, userId, acting), { kind: 'cursor', cursor });
  }

  /** Ends the presence of one connection, or of the whole user where none is named. */
  async removePresence(
    sessionId: string,
    userId: string,
    acting: Pick<Acting, 'connectionId'> & { cause?: LeaveCause } = {},
  ): Promise<PresenceOutcome> {
    const cause = acting.cause ?? 'left';
    if (cause === 'timeout') {
      const seconds = this.#timings.offlineAfterMillis / 1000;
      this.#log.debug(`[PresenceManager] User ${userId} timed out after ${seconds}s`);
    }
    if (acting.connectionId === undefined) return this.store.removeFromSession(sessionId, userId, cause, this.#clock());
    return this.store.depart(seatOf(sessionId, userId, acting), cause, this.#clock());
  }

  /** Seats a connection in a session and answers the whole state. */
  async enter(sessionId: string, userId: string, acting: Acting): Promise<EnterOutcome> {
    const { username = userId, role = 'viewer', cursorRole, compact, arrivalState, invisible, ...rest } = acting;
    const { said, kept, version, turn } = rest;
    const person = { username, role, cursorRole, compact, arrivalState, invisible, said, kept, version, turn } as const;
    return this.store.enter(seatOf(sessionId, userId, acting), person, this.#clock());
  }

  /**
   * Calls back on every change of a session, from whichever process it came. Resolves once subscribed, with the
   * function that ends the subscription. A callback that throws is logged and harms nobody else.
   */
  async subscribeToPresence(sessionId: string, callback: (event: PresenceEvent) => void): Promise<() => Promise<void>> {
    const channel = presenceKeys.channel(sessionId);
    const callbacks = this.#callbacks.get(channel) ?? new Set();
    callbacks.add(callback);
    this.#callbacks.set(channel, callbacks);
    const subscriber = this.#listen();
    const forget = () => {
      callbacks.delete(callback);
      const isLast = callbacks.size === 0 && this.#callbacks.get(channel) === callbacks;
      return isLast && this.#callbacks.delete(channel);
    };
    try {
      await subscriber.subscribe(channel);
    } catch (error) {
      // Whoever was told that it failed is not called by somebody else's later success.
      forget();
      throw error;
    }
    return async () => {
      if (forget()) await subscriber.unsubscribe(channel);
    };
  }

  /** Ends the connection that subscriptions use; the one given at construction belongs to its owner. */
  async shutdown(): Promise<void> {
    const subscriber = this.#subscriber;
    this.#subscriber = undefined;
    this.#callbacks.clear();
    await subscriber?.quit();
  }

  /** A connection that subscribed can do nothing else, so subscriptions have one of their own. */
  #listen(): Redis | Cluster {
    if (this.#subscriber) return this.#subscriber;
    const subscriber = (this.#redis as Redis).duplicate();
    subscriber.on('message', (channel: string, text: string) => this.#hear(channel, text));
    subscriber.on('error', (error: Error) =>
      this.#log.error('[PresenceManager] Subscription connection failed', error),
    );
    this.#subscriber = subscriber;
    return subscriber;
  }

  #hear(channel: string, text: string): void {
    let event: PresenceEvent;
    try {
      event = JSON.parse(text) as PresenceEvent;
    } catch (error) {
      // Anybody who reaches Redis can publish there; it must not end this process.
      this.#log.error('[PresenceManager] What came on a channel is no event', error as Error);
      return;
    }
    for (const callback of this.#callbacks.get(channel) ?? []) {
      try {
        callback(event);
      } catch (error) {
        this.#log.error('[PresenceManager] A subscriber failed', error as Error);
      }
    }
  }
}

function seatOf(sessionId: string, userId: string, acting: Acting): Seat {
  return { sessionId, userId, connectionId: acting.connectionId ?? '' };
}
