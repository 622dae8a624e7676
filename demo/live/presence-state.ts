import type { LeaveCause, PresenceUser } from '../../protocol/entities.ts';
import type { CursorUpdate, PresenceChange, ServerFrames } from '../../protocol/frames.ts';

type Diff = ServerFrames['presence_diff'];
type Snapshot = Pick<ServerFrames['presence_state'], 'epoch' | 'seq' | 'users' | 'part' | 'parts' | 'snapshotId'>;

/** The users of a session, as far as this page knows. */
export interface PresenceState {
  /** Empty until the first snapshot arrives. */
  epoch: string;
  seq: number;
  users: ReadonlyMap<string, PresenceUser>;
  /** By user: when the server received the shown cursor, or the time up to which a snapshot contains all cursors. */
  cursorTimes: ReadonlyMap<string, number>;
  /** Diffs that cannot be applied yet, because the snapshot or an earlier diff is missing. */
  waiting: readonly Diff[];
  /** The parts of incomplete snapshots, by snapshot id. Parts of different snapshots are not mixed. */
  gathering?: ReadonlyMap<string, Gathered> | undefined;
}

/** Users by the number of their part. */
type Gathered = ReadonlyMap<number, PresenceUser[]>;

/** A join or a leave. The cause of a leave is unknown if it happened while this page was offline. */
export type Movement =
  | { kind: 'joined'; user: PresenceUser }
  | { kind: 'left'; user: PresenceUser; cause: LeaveCause | undefined };

export interface Applied {
  state: PresenceState;
  movements: Movement[];
  /** A diff is missing: ask `presence_sync`. */
  outOfStep: boolean;
}

export const emptyPresence: PresenceState = {
  epoch: '',
  seq: 0,
  users: new Map(),
  cursorTimes: new Map(),
  waiting: [],
};

/**
 * Replaces the state by a snapshot, then applies the diffs that arrived before it. A snapshot in parts is applied after
 * all parts have arrived.
 */
export function applySnapshot(state: PresenceState, snapshot: Snapshot): Applied {
  const { epoch, seq, part = 1, parts = 1, snapshotId = '' } = snapshot;
  // If newer diffs were applied already, the snapshot is out of date.
  if (epoch === state.epoch && seq < state.seq) return { state, movements: [], outOfStep: false };
  const gathered = new Map(state.gathering?.get(snapshotId)).set(part, snapshot.users);
  if (gathered.size < parts) {
    const gathering = new Map(state.gathering).set(snapshotId, gathered);
    return { state: { ...state, gathering }, movements: [], outOfStep: false };
  }
  return replaceBy(state, epoch, seq, [...gathered.values()].flat());
}

function replaceBy(state: PresenceState, epoch: string, seq: number, users: PresenceUser[]): Applied {
  const cursorTimes = new Map<string, number>();
  const known = new Map(users.map((user) => [user.userId, withNewestCursor(state, user, cursorTimes)]));
  const movements = state.epoch === '' ? [] : movementsBetween(state.users, known);
  const next: PresenceState = { epoch, seq, users: known, cursorTimes, waiting: [] };
  // Waiting diffs of another epoch are obsolete.
  const mine = state.waiting.filter((diff) => diff.epoch === epoch).sort((one, other) => one.seq - other.seq);
  return mine.reduce<Applied>(
    (before, diff) => {
      const after = applyDiff(before.state, diff);
      return {
        state: after.state,
        movements: [...before.movements, ...after.movements],
        outOfStep: before.outOfStep || after.outOfStep,
      };
    },
    { state: next, movements, outOfStep: false },
  );
}

/**
 * A newer cursor may arrive before the snapshot, and an older one after it. Each cursor is an activity of its user, so
 * `lastActive` is the time up to which the snapshot contains cursors.
 */
function withNewestCursor(state: PresenceState, user: PresenceUser, times: Map<string, number>): PresenceUser {
  const { userId, lastActive } = user;
  const shownAt = state.cursorTimes.get(userId) ?? 0;
  const cursor = state.users.get(userId)?.cursor;
  const isOvertaken = cursor !== undefined && shownAt > lastActive;
  times.set(userId, isOvertaken ? shownAt : lastActive);
  return isOvertaken ? { ...user, cursor } : user;
}

/** Applies a diff if it is the next one. A diff that the snapshot contains is ignored, and a diff after a gap waits. */
export function applyDiff(state: PresenceState, diff: Diff): Applied {
  const contained = diff.epoch === state.epoch && diff.seq <= state.seq;
  if (contained) return { state, movements: [], outOfStep: false };
  const isNext = diff.epoch === state.epoch && diff.seq === state.seq + 1;
  if (!isNext) {
    return {
      state: { ...state, waiting: [...state.waiting, diff] },
      movements: [],
      outOfStep: state.epoch !== '',
    };
  }
  return place(state, diff);
}

function place(state: PresenceState, diff: Diff): Applied {
  const users = new Map(state.users);
  const cursorTimes = new Map(state.cursorTimes);
  const movements: Movement[] = [];
  for (const { userId, cause } of diff.leaves) {
    const user = users.get(userId);
    if (user) movements.push({ kind: 'left', user, cause });
    users.delete(userId);
    cursorTimes.delete(userId);
  }
  for (const user of diff.joins) {
    if (!users.has(user.userId)) movements.push({ kind: 'joined', user });
    users.set(user.userId, user);
  }
  for (const change of diff.updates) {
    const user = users.get(change.userId);
    if (user) users.set(change.userId, changed(user, change));
  }
  return { state: { ...state, seq: diff.seq, users, cursorTimes }, movements, outOfStep: false };
}

/** Moves cursors. A cursor older than the shown one is ignored, because frames may overtake one another. */
export function applyCursors(state: PresenceState, cursors: readonly CursorUpdate[]): PresenceState {
  const users = new Map(state.users);
  const cursorTimes = new Map(state.cursorTimes);
  for (const { userId, cursor, at } of cursors) {
    const user = users.get(userId);
    if (!user || at < (cursorTimes.get(userId) ?? 0)) continue;
    users.set(userId, { ...user, cursor });
    cursorTimes.set(userId, at);
  }
  return { ...state, users, cursorTimes };
}

/** Applies a change of the own user before the server confirms it. For an unknown user it does nothing. */
export function applyOwnChange(state: PresenceState, change: PresenceChange): PresenceState {
  const user = state.users.get(change.userId);
  if (!user) return state;
  return { ...state, users: new Map(state.users).set(change.userId, changed(user, change)) };
}

/** Absent fields are unchanged; `null` removes a field. */
function changed(user: PresenceUser, change: PresenceChange): PresenceUser {
  const { activity, cursor, ...plain } = change;
  const next: PresenceUser = { ...user, ...plain };
  if (activity === null) delete next.activity;
  else if (activity !== undefined) next.activity = activity;
  if (cursor === null) delete next.cursor;
  else if (cursor !== undefined) next.cursor = cursor;
  return next;
}

function movementsBetween(
  before: ReadonlyMap<string, PresenceUser>,
  after: ReadonlyMap<string, PresenceUser>,
): Movement[] {
  const left = [...before.values()].filter(({ userId }) => !after.has(userId));
  const joined = [...after.values()].filter(({ userId }) => !before.has(userId));
  return [
    ...left.map((user): Movement => ({ kind: 'left', user, cause: undefined })),
    ...joined.map((user): Movement => ({ kind: 'joined', user })),
  ];
}
