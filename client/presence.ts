import { type CompactFrame, tagOf, withNumbers } from '../protocol/compact.ts';
import type { Cursor, LeaveCause, PresenceUser } from '../protocol/entities.ts';

/** Free JSON by key. */
export type Json = Record<string, unknown>;
/** A user as the wire tells of them. */
export type WireUser = Omit<PresenceUser, 'cursor'> & { cursor?: Json };
/** Fields of a user that changed: absent means unchanged, `null` removed; of `data` only the changed keys are there. */
export type WireChange = { userId: string } & { [K in keyof WireUser]?: WireUser[K] | null };

export interface Diff {
  epoch: string;
  seq: number;
  joins: WireUser[];
  updates: WireChange[];
  leaves: { userId: string; cause: LeaveCause }[];
}
export interface Snapshot {
  epoch: string;
  seq: number;
  users: WireUser[];
}
export interface CursorAt {
  userId: string;
  cursor: Json;
  /** When the service received it. */
  at: number;
}

/** Who came, went and changed. */
export interface Change {
  joined: WireUser[];
  /** The cause is unknown where the client was away when they left. */
  left: { user: WireUser; cause: LeaveCause | undefined }[];
  updated: WireUser[];
}

/** Who is in a session, as far as this client was told. A user who changes becomes another object. */
export interface Presence {
  /** Empty until the first snapshot. */
  readonly epoch: string;
  readonly seq: number;
  readonly users: ReadonlyMap<string, WireUser>;
  /** When the service received the cursor that is shown, by user. */
  readonly times: ReadonlyMap<string, number>;
  /** Diffs that came before the one they follow. */
  readonly waiting: readonly Diff[];
  /** Takes over a snapshot or a diff, with the waiting diffs whose turn it then is. */
  apply(frame: Snapshot | Diff): Change;
  /** Changes one user; unknown users stay unknown. */
  update(change: WireChange): WireUser | undefined;
  /** Moves cursors; one older than the one shown is ignored, because frames may overtake one another. */
  move(cursors: readonly CursorAt[]): void;
  /** Moves the cursors of a compact frame. @returns whether it cannot be understood without a new snapshot. */
  moveCompact(frame: CompactFrame): boolean;
}

const mostWaiting = 100;

export function createPresence(): Presence {
  const users = new Map<string, WireUser>();
  const times = new Map<string, number>();
  let epoch = '';
  let seq = 0;
  let waiting: Diff[] = [];

  /** Replaces all that is known; users who did not change stay the same objects. */
  function replace(snapshot: Snapshot, { joined, left, updated }: Change): void {
    // One that diffs have overtaken knows less.
    if (snapshot.epoch === epoch && snapshot.seq < seq) return;
    const isFirst = epoch === '';
    const gone = new Map(users);
    users.clear();
    ({ epoch, seq } = snapshot);
    for (const user of snapshot.users) {
      user.data ??= {};
      const { userId, lastActive } = user;
      const known = gone.get(userId);
      gone.delete(userId);
      // Each cursor is an activity of its user, so `lastActive` says which cursors the snapshot knows of.
      const isNewer = known?.cursor && times.get(userId)! > lastActive;
      if (!isNewer) times.set(userId, lastActive);
      const fresh = isNewer ? { ...user, cursor: known.cursor! } : user;
      const isKept = known && isSame({ ...known, ...clocks }, { ...fresh, ...clocks });
      users.set(userId, isKept ? known : fresh);
      if (known) isKept || updated.push(fresh);
      else isFirst || joined.push(fresh);
    }
    for (const user of gone.values()) left.push({ user, cause: undefined });
  }

  function place(diff: Diff, { joined, left, updated }: Change): void {
    seq = diff.seq;
    for (const { userId, cause } of diff.leaves) {
      const user = users.get(userId);
      if (user) left.push({ user, cause });
      users.delete(userId);
      times.delete(userId);
    }
    for (const user of diff.joins) {
      user.data ??= {};
      if (!users.has(user.userId)) joined.push(user);
      users.set(user.userId, user);
    }
    for (const change of diff.updates) {
      const user = update(change);
      if (user) updated.push(user);
    }
  }

  function update(change: WireChange): WireUser | undefined {
    const { cursor, ...others } = change;
    const { userId, lastActive } = others;
    const known = users.get(userId);
    if (cursor === null && lastActive) {
      // A newer cursor may have overtaken the frame that takes the old one away.
      if (times.get(userId)! > lastActive) change = others;
      else times.set(userId, lastActive);
    }
    const user = known && merge(known, change);
    if (user) users.set(user.userId, user);
    return user;
  }

  function move(cursors: readonly CursorAt[]): void {
    for (const { userId, cursor, at } of cursors) {
      const user = users.get(userId);
      if (!user || at < (times.get(userId) ?? 0)) continue;
      users.set(userId, { ...user, cursor });
      times.set(userId, at);
    }
  }

  return {
    get epoch() {
      return epoch;
    },
    get seq() {
      return seq;
    },
    get waiting() {
      return waiting;
    },
    users,
    times,
    move,
    update,
    apply(frame) {
      const change: Change = { joined: [], left: [], updated: [] };
      if ('users' in frame) replace(frame, change);
      else waiting.push(frame);
      const isNext = (diff: Diff) => diff.epoch === epoch && diff.seq === seq + 1;
      for (let next = waiting.find(isNext); next; next = waiting.find(isNext)) place(next, change);
      waiting = waiting.filter((diff) => diff.epoch !== epoch || diff.seq > seq).slice(-mostWaiting);
      return change;
    },
    moveCompact({ moves, whole }) {
      let isBehind = false;
      const byIndex = new Map([...users.values()].map((user) => [user.index, user]));
      move(whole as unknown as CursorAt[]);
      for (const { index, tag, numbers } of moves) {
        const { userId, cursor } = byIndex.get(index) ?? {};
        if (!cursor || tagOf(cursor as Cursor) !== tag) isBehind = true;
        // The compact form tells no time: the cursor counts as old as the one whose numbers it replaces.
        else move([{ userId: userId!, cursor: withNumbers(cursor as Cursor, numbers), at: times.get(userId!) ?? 0 }]);
      }
      return isBehind;
    },
  };
}

/** The clocks move with every frame and are told by snapshots alone. */
const clocks = { lastSeen: 0, lastActive: 0 };

/** Whether two values are the same JSON, whatever the order of their fields. */
export function isSame(one: unknown, other: unknown): boolean {
  if (one === other) return true;
  if (!one || !other || typeof one !== 'object' || typeof other !== 'object') return false;
  const entries = Object.entries(one);
  return (
    entries.length === Object.keys(other).length && entries.every(([key, value]) => isSame(value, (other as Json)[key]))
  );
}

/** The user with the changes: absent fields stay, `null` removes, `data` by its keys. */
export function merge(user: WireUser, change: Omit<WireChange, 'userId'>): WireUser {
  const data = change.data ? { data: withoutNull({ ...user.data, ...change.data }) } : {};
  return withoutNull({ ...user, ...change, ...data }) as WireUser;
}

function withoutNull<T extends object>(fields: T): T {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== null)) as T;
}
