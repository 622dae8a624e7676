import { type CompactFrame, tagOf, withNumbers } from '../protocol/compact.ts';
import type { Cursor, LeaveCause, PresenceUser } from '../protocol/entities.ts';
import type { Environment } from './environment.ts';

/** Free JSON by key. */
export type Json = Record<string, unknown>;
/** A user in a frame. */
export type WireUser = Omit<PresenceUser, 'cursor'> & { cursor?: Json };
/** The changed fields of a user: absent means unchanged, `null` removed; `data` has only its changed keys. */
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

/** The users who joined, left or changed. */
export interface Change {
  joined: WireUser[];
  /** The cause is undefined if this client was not connected when the user left. */
  left: { user: WireUser; cause: Exclude<LeaveCause, 'signed_in'> | undefined }[];
  updated: WireUser[];
  /** The changes of the diffs that are applied now, or that the snapshot contains. */
  updates: WireChange[];
}

/** The users of a session as this client knows them. A changed user is a new object. */
export interface Presence {
  /** Empty until the first snapshot. */
  readonly epoch: string;
  readonly seq: number;
  readonly users: ReadonlyMap<string, WireUser>;
  /** When the service received the cursor that is shown, by user. */
  readonly times: ReadonlyMap<string, number>;
  /** Diffs whose predecessor has not arrived. */
  readonly waiting: readonly Diff[];
  /** Applies a snapshot or a diff, and the waiting diffs that follow it. */
  apply(frame: Snapshot | Diff): Change;
  /** Changes one user; ignores unknown users. */
  update(change: WireChange): WireUser | undefined;
  /** Moves cursors. It ignores a cursor that is older than the known one, because frames may arrive out of order. */
  move(cursors: readonly CursorAt[]): void;
  /** Moves the cursors of a compact frame. @returns whether a snapshot is needed to decode it. */
  moveCompact(frame: CompactFrame): boolean;
}

const mostWaiting = 100;
/** How long a snapshot may be on its way, in milliseconds. */
const inFlightMillis = 2000;

export function createPresence({ now }: Pick<Environment, 'now'>): Presence {
  const users = new Map<string, WireUser>();
  const times = new Map<string, number>();
  /** The guests who signed in and whose user has not arrived yet. */
  const signedIn = new Set<string>();
  let epoch = '';
  let seq = 0;
  let waiting: Diff[] = [];
  /** When each cursor of the compact form arrived, in Unix milliseconds. */
  const arrivals = new WeakMap<Json, number>();

  /** Replaces all users; unchanged users stay the same objects. */
  function replace(snapshot: Snapshot, { joined, left, updated }: Change): void {
    // A snapshot that is older than the applied diffs is ignored.
    if (snapshot.epoch === epoch && snapshot.seq < seq) return;
    const isFirst = epoch === '';
    const gone = new Map(users);
    users.clear();
    ({ epoch, seq } = snapshot);
    for (const user of snapshot.users) {
      user.data ??= {};
      const { userId, lastActive } = user;
      const known = gone.get(userId) ?? gone.get(user.guestId!);
      gone.delete(userId);
      gone.delete(user.guestId!);
      // Each cursor sets its user's `lastActive`, so a cursor after that time is not in the snapshot. A cursor of the compact form
      // has no time; one that arrived while the snapshot was on its way is probably newer.
      const isRecent = user.cursor && now() - (arrivals.get(known?.cursor ?? user.cursor) ?? 0) < inFlightMillis;
      const isNewer = known?.cursor && (isRecent || times.get(userId)! > lastActive);
      if (!isNewer) times.set(userId, lastActive);
      const fresh = isNewer ? { ...user, cursor: known.cursor! } : user;
      const isKept = known && isSame({ ...known, ...clocks }, { ...fresh, ...clocks });
      users.set(userId, isKept ? known : fresh);
      if (known) isKept || updated.push(fresh);
      else isFirst || joined.push(fresh);
    }
    for (const user of gone.values()) left.push({ user, cause: undefined });
  }

  function applyDiff(diff: Diff, { joined, left, updated }: Change): void {
    seq = diff.seq;
    for (const { userId, cause } of diff.leaves) {
      const user = users.get(userId);
      // A guest who signed in does not leave: the user with this `guestId` is the same person.
      if (cause === 'signed_in') signedIn.add(userId);
      else if (user) left.push({ user, cause });
      users.delete(userId);
      if (cause !== 'signed_in') times.delete(userId);
    }
    for (const user of diff.joins) {
      const { userId, guestId } = user;
      user.data ??= {};
      const isSame = signedIn.delete(guestId!);
      if (isSame) times.set(userId, times.get(guestId!) ?? user.lastActive);
      if (!users.has(userId)) (isSame ? updated : joined).push(user);
      users.set(userId, user);
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
      // A newer cursor may have arrived before the frame that removes the old one.
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
      const change: Change = { joined: [], left: [], updated: [], updates: [] };
      if ('users' in frame) replace(frame, change);
      else waiting.push(frame);
      const isNext = (diff: Diff) => diff.epoch === epoch && diff.seq === seq + 1;
      for (let next = waiting.find(isNext); next; next = waiting.find(isNext)) applyDiff(next, change);
      const isWaiting = (diff: Diff) => diff.epoch !== epoch || diff.seq > seq;
      for (const diff of waiting) if (!isWaiting(diff)) change.updates.push(...diff.updates);
      waiting = waiting.filter(isWaiting).slice(-mostWaiting);
      return change;
    },
    moveCompact({ moves, whole }) {
      let isBehind = false;
      const byIndex = new Map([...users.values()].map((user) => [user.index, user]));
      move(whole as unknown as CursorAt[]);
      for (const { index, tag, numbers } of moves) {
        const { userId, cursor } = byIndex.get(index) ?? {};
        if (!cursor || tagOf(cursor as Cursor) !== tag) isBehind = true;
        else {
          const moved = withNumbers(cursor as Cursor, numbers);
          arrivals.set(moved, now());
          // The compact form has no time, so the cursor gets the time of the one whose numbers it replaces.
          move([{ userId: userId!, cursor: moved, at: times.get(userId!) ?? 0 }]);
        }
      }
      return isBehind;
    },
  };
}

/** These times change with each frame, and only snapshots contain them; so they are not compared. */
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

/** The user with the changes: absent fields stay, `null` removes a field, and `data` changes by key. */
export function merge(user: WireUser, change: Omit<WireChange, 'userId'>): WireUser {
  const data = change.data ? { data: withoutNull({ ...user.data, ...change.data }) } : {};
  return withoutNull({ ...user, ...change, ...data }) as WireUser;
}

function withoutNull<T extends object>(fields: T): T {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== null)) as T;
}
