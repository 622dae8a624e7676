import type { PresenceRecord } from '../../lambdas/presence/status.ts';
import type { LeaveCause, Status } from '../../protocol/entities.ts';

interface Grace {
  connectionId: string;
  deadline: number;
  cause: LeaveCause;
}

/** The last cursor of a user. */
export interface ModelCursor {
  position: number;
  /** When Redis stored it. */
  at: number;
  /** Whether others had to see it at once. */
  shown: boolean;
}

/** A user in the model, with ordinary fields instead of sorted sets. */
export interface ModelUser {
  /** The live connections with their last signs of life. */
  connections: Map<string, number>;
  graces: Grace[];
  lastSeen: number;
  /** When their presence record expires, by the clock of Redis. */
  recordEnds: number;
  lastActive: number;
  chosen: 'away' | 'offline' | undefined;
  cursor: ModelCursor | undefined;
}

/** The highest turns of a connection that had effect (rule PR18). */
export interface Turns {
  cursor: number;
  status: number;
  /** The highest turn that was user activity. */
  acted: number;
}

/** The state of a session in Redis. */
export interface StoredRoom {
  /** By connection. */
  turns: [connectionId: string, turns: Turns][];
  /** `<user>:<connection>` by last sign of life. */
  seats: [member: string, heard: number][];
  /** `<user>:<connection>:<cause>` by the end of the grace. */
  graces: [member: string, deadline: number][];
  userIds: string[];
  /** The expected number of users, seats and graces. */
  counted: number[];
  records: PresenceRecord[];
  /** When each record expires, by the clock of Redis. */
  recordEnds: [userId: string, ends: number][];
  /** Whether Redis still knows the session. A script that finds a loss invalidates it. */
  isKnown: boolean;
}

export interface ModelThresholds {
  offlineAfterMillis: number;
  awayAfterMillis: number;
}

export type Transition = 'join' | LeaveCause;

const order = ['online', 'away', 'offline'];

/** A simple second implementation of the presence rules for one session (PR1-PR8): who is present, and why users left. */
export class RoomModel {
  readonly users = new Map<string, ModelUser>();
  /** The events that were not yet in a reply, per user and in order. */
  readonly untold = new Map<string, Transition[]>();
  /** All events, per user. */
  readonly history = new Map<string, Transition[]>();
  epoch: string | undefined;
  seq = 0;
  /** When the last number was given. */
  numberedAt = 0;
  /** How long before a time signs of life may not have reached Redis; more recent times are not checked. */
  outageAllowance = 0;
  /** By connection, for as long as it has its seat. */
  readonly turns = new Map<string, Turns>();
  readonly #thresholds: ModelThresholds;

  constructor(thresholds: ModelThresholds) {
    this.#thresholds = thresholds;
  }

  /** Deletes all data, as Redis did. */
  forget(): void {
    this.users.clear();
    this.untold.clear();
    this.epoch = undefined;
  }

  /**
   * Copies the state of Redis after a new epoch began.
   *
   * @returns false if the data of a user is incomplete: a user in their grace may have lost their record or their seat.
   */
  learn({ seats, graces, userIds, counted, records, recordEnds, turns, isKnown }: StoredRoom): boolean {
    const endOf = new Map(recordEnds);
    this.users.clear();
    this.turns.clear();
    for (const [connectionId, known] of turns) this.turns.set(connectionId, known);
    this.untold.clear();
    for (const record of records)
      if (userIds.includes(record.userId)) this.users.set(record.userId, userOf(record, endOf.get(record.userId)!));
    const ofKnown = seats.concat(graces).every(([member]) => this.users.has(member.split(':')[0]!));
    for (const [member, heard] of seats) {
      const [userId = '', connectionId = ''] = member.split(':');
      this.users.get(userId)?.connections.set(connectionId, heard);
    }
    for (const [member, deadline] of graces) {
      const [userId = '', connectionId = '', cause] = member.split(':');
      this.users.get(userId)?.graces.push({ connectionId, deadline, cause: cause as LeaveCause });
    }
    const seated = [...this.users.values()].every((user) => user.connections.size + user.graces.length > 0);
    const isComplete = [userIds, seats, graces].every(({ length }, index) => counted[index] === length);
    const areRecorded = this.users.size === userIds.length && records.length === userIds.length;
    return isKnown && isComplete && ofKnown && seated && areRecorded;
  }

  settle(at: number): void {
    const { offlineAfterMillis } = this.#thresholds;
    const now = at - this.outageAllowance;
    for (const [userId, user] of this.users) {
      for (const [connectionId, heard] of user.connections) {
        if (heard > now - offlineAfterMillis) continue;
        user.connections.delete(connectionId);
        this.#leaveIfLast(userId, 'timeout');
      }
    }
    for (const [userId, user] of this.users) {
      for (const grace of [...user.graces].sort((one, other) => one.deadline - other.deadline)) {
        if (grace.deadline > now) continue;
        user.graces = user.graces.filter((each) => each !== grace);
        this.#leaveIfLast(userId, grace.cause);
      }
    }
  }

  /**
   * @param options.turn the turn of the frame that joins; empty if it has none.
   * @param options.storeNow the time by the clock of Redis, which is ahead of the caller's. If the record of the user has expired
   *   by then, the user joins anew for all who listed the session since.
   */
  enter(
    userId: string,
    connectionId: string,
    now: number,
    { storeNow, turn = '', invisible = false }: { storeNow: number; turn?: string; invisible?: boolean },
  ): void {
    this.settle(now);
    let user = this.users.get(userId);
    if (user && storeNow >= user.recordEnds) {
      user.lastActive = now;
      this.untold.set(userId, [...(this.untold.get(userId) ?? []), 'join']);
    }
    if (!user) {
      user = {
        connections: new Map(),
        graces: [],
        lastSeen: now,
        recordEnds: 0,
        lastActive: now,
        chosen: invisible ? 'offline' : undefined,
        cursor: undefined,
      };
      this.users.set(userId, user);
      this.#happened(userId, 'join');
    }
    if (!user.connections.has(connectionId)) {
      this.turns.delete(connectionId);
      const begun = Number(turn);
      if (turn !== '') this.turns.set(connectionId, { cursor: begun, status: begun, acted: begun });
      const [replaced] = [...user.graces].sort((one, other) => one.deadline - other.deadline);
      user.graces = user.graces.filter((each) => each !== replaced);
    }
    user.connections.set(connectionId, now);
    user.lastSeen = now;
    user.recordEnds = storeNow + this.#thresholds.offlineAfterMillis;
  }

  depart(userId: string, connectionId: string, cause: LeaveCause, now: number): boolean {
    this.settle(now);
    const removed = this.users.get(userId)?.connections.delete(connectionId) ?? false;
    if (removed) this.#leaveIfLast(userId, cause);
    return removed;
  }

  close(userId: string, connectionId: string, deadline: number, cause: LeaveCause): boolean {
    const user = this.users.get(userId);
    const heard = user?.connections.get(connectionId);
    if (!user || heard === undefined) return this.#shortenGrace(user, { connectionId, deadline, cause });
    user.connections.delete(connectionId);
    // The grace ends no later than the timeout, so that no user is shown longer than the bound (rule PR12).
    const latest = heard + this.#thresholds.offlineAfterMillis;
    user.graces.push({ connectionId, deadline: Math.min(deadline, latest), cause });
    return true;
  }

  /** The event that tells how a socket ended may come after a post found the socket gone (rule PR7). */
  #shortenGrace(user: ModelUser | undefined, grace: Grace): boolean {
    const isSame = ({ connectionId, cause }: Grace) => connectionId === grace.connectionId && cause === 'gone';
    const gone = user?.graces.find(isSame);
    if (!user || !gone || grace.deadline >= gone.deadline) return false;
    user.graces = [...user.graces.filter((each) => each !== gone), grace];
    return true;
  }

  /** @param storeNow the time by the clock of Redis, which renews the record. */
  seen(userId: string, connectionId: string, now: number, storeNow: number): ModelUser | undefined {
    const user = this.users.get(userId);
    if (!user?.connections.has(connectionId)) return undefined;
    user.recordEnds = storeNow + this.#thresholds.offlineAfterMillis;
    user.connections.set(connectionId, now);
    user.lastSeen = Math.max(user.lastSeen, now);
    return user;
  }

  statusOf(user: ModelUser, now: number): Status {
    const { offlineAfterMillis, awayAfterMillis } = this.#thresholds;
    const idle = now - user.lastActive >= awayAfterMillis;
    const derived = now - user.lastSeen >= offlineAfterMillis ? 'offline' : idle ? 'away' : 'online';
    const chosen = user.chosen ?? 'online';
    return order.indexOf(chosen) > order.indexOf(derived) ? chosen : derived;
  }

  /** The live connections with their users. */
  receivers(): { userId: string; connectionId: string }[] {
    return [...this.users].flatMap(([userId, user]) =>
      [...user.connections.keys()].map((connectionId) => ({ userId, connectionId })),
    );
  }

  #leaveIfLast(userId: string, cause: LeaveCause): void {
    const user = this.users.get(userId)!;
    if (user.connections.size + user.graces.length > 0) return;
    this.users.delete(userId);
    this.#happened(userId, cause);
  }

  #happened(userId: string, transition: Transition): void {
    for (const list of [this.untold, this.history]) list.set(userId, [...(list.get(userId) ?? []), transition]);
  }
}

function userOf({ lastSeen, lastActive, chosen, cursor }: PresenceRecord, recordEnds: number): ModelUser {
  const position = cursor?.['position'] as number | undefined;
  // Its time and its receivers are no longer known.
  const known = position === undefined ? undefined : { position, at: lastActive, shown: false };
  return { connections: new Map(), graces: [], lastSeen, recordEnds, lastActive, chosen, cursor: known };
}
