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
  /** Told how long each operation in Redis took, in milliseconds. */
  measured?: (millis: number) => void;
  /** The clock, Unix milliseconds. Tests pass their own. */
  clock?: () => number;
}

/** The connection that acts, and its user. Without a connection the user is present but receives nothing. */
export interface Acting {
  connectionId?: string;
  username?: string;
  role?: Role;
  /** The least role that sees cursors in this session, if the session sets one. */
  cursorRole?: Role | undefined;
  /** Whether the connection receives cursors in the compact form. */
  compact?: boolean | undefined;
  /** What is known of their slot and arrival; see `Entering`. */
  arrivalState?: Entering['arrivalState'];
  requestedAt?: Entering['requestedAt'];
  /** Whether the user returns invisible; see `Entering`. */
  invisible?: boolean | undefined;
  /** The state that the join sets, and the data from before; see `Entering`. */
  ownState?: Entering['ownState'];
  kept?: Entering['kept'];
  guestId?: Entering['guestId'];
  agent?: Entering['agent'];
  /** The turn and version of the join; see `Entering`. */
  version?: Entering['version'];
  turn?: Entering['turn'];
}

/** What each frame logs at `LOG_LEVEL=DEBUG`. */
const sentences: Record<Touch['kind'], (seat: Seat) => string> = {
  heartbeat: ({ userId }) => `Heartbeat received from user ${userId}`,
  cursor: ({ userId, sessionId }) => `Cursor of user ${userId} received in session ${sessionId}`,
  update: ({ userId, sessionId }) => `Set presence for user ${userId} in session ${sessionId}`,
};

/**
 * The public presence API: who is in a session, their status and their cursors. It is an adapter of `PresenceStore`: it
 * gives the scripts names, defaults and log lines. Use cases that need more than this API, such as visits and windows, use
 * `store`.
 *
 * Each method returns what changed and who receives it. The caller sends it, so that a change is recorded before it is told.
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
    this.store = new PresenceStore(redis, options.timings, options.measured);
  }

  /**
   * Records a frame of a connection. Undefined if its seat is not known.
   *
   * @throws RollcallError RATE_LIMITED if the connection sends more than its limit.
   */
  async touch(seat: Seat, touch: Touch, now = this.#clock()): Promise<TouchOutcome | undefined> {
    const outcome = await this.store.touch(seat, touch, now);
    if (outcome) this.#log.debug(`[PresenceManager] ${sentences[touch.kind](seat)}`);
    return outcome;
  }

  /**
   * Sets the status that a user chose: `away` lasts until user activity, `offline` until another choice (rule PR5). A user
   * without a connection is seated first. For a `connectionId` that is not seated the result is undefined.
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

  /**
   * Users who are online or away, and with `includeOffline` also those who are offline. A user without a record is never in
   * it (rule PR13).
   */
  async getOnlineUsers(sessionId: string, options: { includeOffline?: boolean } = {}): Promise<PresenceUser[]> {
    const listed = await this.store.list(sessionId, this.#clock());
    const users = listed?.users ?? [];
    return options.includeOffline ? users : users.filter((user) => user.status !== 'offline');
  }

  /** Records a sign of life. Undefined if the seat is not known: the user timed out or never joined. */
  async processHeartbeat(
    sessionId: string,
    userId: string,
    cursor?: Cursor,
    acting: Acting & { idle?: boolean } = {},
  ): Promise<TouchOutcome | undefined> {
    return this.touch(seatOf(sessionId, userId, acting), { kind: 'heartbeat', cursor, idle: acting.idle });
  }

  /** Moves the cursor of a user, which is also a sign of life. Undefined if the seat is not known. */
  async updateCursor(
    sessionId: string,
    userId: string,
    cursor: Cursor,
    acting: Acting = {},
  ): Promise<TouchOutcome | undefined> {
    return this.touch(seatOf(sessionId, userId, acting), { kind: 'cursor', cursor });
  }

  /** Ends the presence of one connection, or of the user if no connection is named. */
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

  /** Seats a connection in a session and returns the snapshot. */
  async enter(sessionId: string, userId: string, acting: Acting): Promise<EnterOutcome> {
    const person = { ...acting, username: acting.username ?? userId, role: acting.role ?? 'viewer' };
    return this.store.enter(seatOf(sessionId, userId, acting), person, this.#clock());
  }

  /**
   * Calls back on every change of a session, from any process. Resolves once subscribed, with the function that ends the
   * subscription. A callback that throws is logged and does not affect other callbacks.
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
      // A caller who was told that the subscription failed must not be called later.
      forget();
      throw error;
    }
    return async () => {
      if (forget()) await subscriber.unsubscribe(channel);
    };
  }

  /** Closes the connection of the subscriptions. The connection that the constructor got belongs to its owner. */
  async shutdown(): Promise<void> {
    const subscriber = this.#subscriber;
    this.#subscriber = undefined;
    this.#callbacks.clear();
    await subscriber?.quit();
  }

  /** A Redis connection that subscribed cannot run other commands, so subscriptions have their own. */
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
      // Any client of Redis can publish there, so a bad message must not end this process.
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
