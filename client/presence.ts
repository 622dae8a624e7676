import { decodeFrame, tagOf, withNumbers } from '../protocol/compact.ts';
import type { Cursor, LeaveCause, PresenceUser } from '../protocol/entities.ts';

/** Free JSON by key. */
export type Json = Record<string, unknown>;
/** A user as the wire tells of them. */
export type WireUser = Omit<PresenceUser, 'cursor'> & { cursor?: Json; data?: Json };
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

/** Who is in a session, as far as this client was told. All of it is immutable. */
export interface Presence {
  /** Empty until the first snapshot. */
  epoch: string;
  seq: number;
  users: ReadonlyMap<string, WireUser>;
  /** When the service received the cursor that is shown, by user. */
  times: ReadonlyMap<string, number>;
  /** Diffs that came before the one they follow. */
  waiting: readonly Diff[];
}

/** What a frame changed. */
export interface Change {
  presence: Presence;
  joined: WireUser[];
  /** The cause is unknown where the client was away when they left. */
  left: { user: WireUser; cause: LeaveCause | undefined }[];
  updated: WireUser[];
}

export const nobody: Presence = { epoch: '', seq: 0, users: new Map(), times: new Map(), waiting: [] };

const mostWaiting = 100;
const unchanged = (presence: Presence): Change => ({ presence, joined: [], left: [], updated: [] });
const hasOwn = (user: WireUser | undefined): user is WireUser => user !== undefined;

/** Replaces all that is known. One that diffs have overtaken is ignored; users who did not change stay the same objects. */
export function applySnapshot(presence: Presence, { epoch, seq, users }: Snapshot): Change {
  if (epoch === presence.epoch && seq < presence.seq) return unchanged(presence);
  const times = new Map<string, number>();
  const next = new Map<string, WireUser>();
  const joined: WireUser[] = [];
  const updated: WireUser[] = [];
  for (const user of users) {
    const { userId, lastActive } = user;
    const known = presence.users.get(userId);
    const shownAt = presence.times.get(userId) ?? 0;
    // Each cursor is an activity of its user, so `lastActive` says which cursors the snapshot knows of.
    const isNewer = known?.cursor !== undefined && shownAt > lastActive;
    const fresh = isNewer ? { ...user, cursor: known.cursor } : user;
    times.set(userId, isNewer ? shownAt : lastActive);
    const isKept = known !== undefined && isSame(withoutClocks(known), withoutClocks(fresh));
    next.set(userId, isKept ? known : fresh);
    if (!known) joined.push(fresh);
    else if (!isKept) updated.push(fresh);
  }
  const isFirst = presence.epoch === '';
  const left = [...presence.users.values()]
    .filter(({ userId }) => !next.has(userId))
    .map((user) => ({ user, cause: undefined }));
  const change = { joined: isFirst ? [] : joined, left, updated };
  return settle({ ...change, presence: { epoch, seq, users: next, times, waiting: presence.waiting } });
}

/** The clocks move with every frame and are told by snapshots alone. */
const withoutClocks = (user: WireUser) => ({ ...user, lastSeen: 0, lastActive: 0 });

/** Whether two values are the same JSON, whatever the order of their fields. */
export function isSame(one: unknown, other: unknown): boolean {
  return JSON.stringify(one, inOrder) === JSON.stringify(other, inOrder);
}

function inOrder(_key: string, value: unknown): unknown {
  if (!value || typeof value !== 'object' || Array.isArray(value)) return value;
  return Object.fromEntries(Object.entries(value).sort(([one], [other]) => (one < other ? -1 : 1)));
}

/** Applies a diff if it is the next one; one in the snapshot already is ignored, a later one waits. */
export function applyDiff(presence: Presence, diff: Diff): Change {
  if (diff.epoch === presence.epoch && diff.seq <= presence.seq) return unchanged(presence);
  return settle(unchanged({ ...presence, waiting: [...presence.waiting, diff].slice(-mostWaiting) }));
}

/** Applies the waiting diffs whose turn it is and forgets those that a snapshot has overtaken. */
function settle(change: Change): Change {
  const { presence } = change;
  const { epoch, seq, waiting } = presence;
  const next = waiting.find((diff) => diff.epoch === epoch && diff.seq === seq + 1);
  if (next) return settle(place(change, next));
  const ahead = waiting.filter((diff) => diff.epoch !== epoch || diff.seq > seq);
  return ahead.length === waiting.length ? change : { ...change, presence: { ...presence, waiting: ahead } };
}

function place(change: Change, diff: Diff): Change {
  const { presence } = change;
  const users = new Map(presence.users);
  const times = new Map(presence.times);
  const joined = [...change.joined];
  const left = [...change.left];
  for (const { userId, cause } of diff.leaves) {
    const user = users.get(userId);
    if (user) left.push({ user, cause });
    users.delete(userId);
    times.delete(userId);
  }
  for (const user of diff.joins) {
    if (!users.has(user.userId)) joined.push(user);
    users.set(user.userId, user);
  }
  const updated = diff.updates
    .map((update) => {
      const user = users.get(update.userId);
      const next = user && merge(user, update);
      if (next) users.set(update.userId, next);
      return next;
    })
    .filter(hasOwn);
  const isOld = (each: Diff) => each !== diff;
  const waiting = presence.waiting.filter(isOld);
  return {
    joined,
    left,
    updated: [...change.updated, ...updated],
    presence: { ...presence, seq: diff.seq, users, times, waiting },
  };
}

/** The user with the changes: absent fields stay, `null` removes, `data` by its keys. */
export function merge(user: WireUser, change: Omit<WireChange, 'userId'>): WireUser {
  const data = change.data && withoutNull({ ...user.data, ...change.data });
  return withoutNull({ ...user, ...change, ...(data ? { data } : {}) } as WireUser);
}

/** Without the fields that are `null`. */
export function withoutNull<T extends object>(fields: T): T {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== null)) as T;
}

/** Moves cursors; one older than the one shown is ignored, because frames may overtake one another. */
export function applyCursors(presence: Presence, cursors: readonly CursorAt[]): Presence {
  const users = new Map(presence.users);
  const times = new Map(presence.times);
  for (const { userId, cursor, at } of cursors) {
    const user = users.get(userId);
    if (!user || at < (times.get(userId) ?? 0)) continue;
    users.set(userId, { ...user, cursor });
    times.set(userId, at);
  }
  return { ...presence, users, times };
}

/**
 * The cursors of a compact frame of this session.
 *
 * @returns `isBehind`: something in it cannot be understood without a new snapshot.
 */
export function readCompact(
  presence: Presence,
  frame: NonNullable<ReturnType<typeof decodeFrame>>,
): { cursors: CursorAt[]; isBehind: boolean } {
  const byIndex = new Map([...presence.users.values()].map((user) => [user.index, user]));
  const cursors = [...(frame.whole as unknown as CursorAt[])];
  let isBehind = false;
  for (const { index, tag, numbers } of frame.moves) {
    const { userId = '', cursor } = byIndex.get(index) ?? {};
    if (!cursor || tagOf(cursor as Cursor) !== tag) isBehind = true;
    // The compact form tells no time: the cursor counts as old as the one whose numbers it replaces.
    else cursors.push({ userId, cursor: withNumbers(cursor as Cursor, numbers), at: presence.times.get(userId) ?? 0 });
  }
  return { cursors, isBehind };
}

export { decodeFrame };
