import {
  applyCursors,
  applyDiff,
  applyOwnChange,
  applySnapshot,
  emptyPresence,
} from '../../demo/live/presence-state.ts';
import type { PresenceUser } from '../../protocol/entities.ts';
import type { ServerFrames } from '../../protocol/frames.ts';

const sessionId = 's';
const person = (userId: string, more: Partial<PresenceUser> = {}): PresenceUser => ({
  userId,
  username: userId,
  role: 'viewer',
  status: 'online',
  lastSeen: 0,
  lastActive: 0,
  joinedAt: 0,
  connections: 1,
  ...more,
});
const diff = (seq: number, more: Partial<ServerFrames['presence_diff']> = {}): ServerFrames['presence_diff'] => ({
  sessionId,
  epoch: 'e1',
  seq,
  joins: [],
  updates: [],
  leaves: [],
  ...more,
});
const start = applySnapshot(emptyPresence, { epoch: 'e1', seq: 3, users: [person('ada'), person('bob')] }).state;

test('a snapshot is the beginning and moves nobody', () => {
  const applied = applySnapshot(emptyPresence, { epoch: 'e1', seq: 3, users: [person('ada')] });
  expect([...applied.state.users.keys()]).toEqual(['ada']);
  expect(applied.movements).toEqual([]);
});

test('the next diff brings joins, leaves with their cause, and changes', () => {
  const { state, movements, outOfStep } = applyDiff(
    start,
    diff(4, {
      joins: [person('cleo')],
      leaves: [{ userId: 'bob', cause: 'timeout' }],
      updates: [{ userId: 'ada', status: 'away', activity: 'reading' }],
    }),
  );
  expect([...state.users.keys()]).toEqual(['ada', 'cleo']);
  expect(state.users.get('ada')).toMatchObject({ status: 'away', activity: 'reading', connections: 1 });
  expect(movements).toMatchObject([
    { kind: 'left', cause: 'timeout', user: { userId: 'bob' } },
    { kind: 'joined', user: { userId: 'cleo' } },
  ]);
  expect(outOfStep).toBe(false);
});

test('null takes a field away and absent ones stay', () => {
  const set = applyOwnChange(start, { userId: 'ada', activity: 'reading', status: 'away' });
  const { state } = applyDiff(set, diff(4, { updates: [{ userId: 'ada', activity: null }] }));
  expect(state.users.get('ada')).toEqual(person('ada', { status: 'away' }));
});

test('a diff that the snapshot contains is ignored', () => {
  expect(applyDiff(start, diff(3, { leaves: [{ userId: 'ada', cause: 'left' }] })).state).toBe(start);
});

test.each([
  ['a gap', diff(5)],
  ['another epoch', diff(1, { epoch: 'e2' })],
])('%s asks for a new snapshot and changes nothing', (_, received) => {
  const { state, outOfStep } = applyDiff(start, received);
  expect(outOfStep).toBe(true);
  expect(state.users).toBe(start.users);
});

test('a diff that came before its snapshot is placed after it, and asks for nothing', () => {
  const early = applyDiff(emptyPresence, diff(4, { joins: [person('cleo')] }));
  expect(early.outOfStep).toBe(false);
  const { state, movements, outOfStep } = applySnapshot(early.state, { epoch: 'e1', seq: 3, users: [person('ada')] });
  expect(state).toMatchObject({ seq: 4, waiting: [] });
  expect([...state.users.keys()]).toEqual(['ada', 'cleo']);
  expect(movements).toHaveLength(1);
  expect(outOfStep).toBe(false);
});

test('diffs that overtook one another are placed in order once the snapshot fills the gap', () => {
  const after5 = applyDiff(start, diff(6, { leaves: [{ userId: 'cleo', cause: 'left' }] })).state;
  const { state } = applySnapshot(after5, { epoch: 'e1', seq: 5, users: [person('cleo')] });
  expect([...state.users.keys()]).toEqual([]);
  expect(state.seq).toBe(6);
});

test('[CL3] a snapshot after a reconnect tells who came and went meanwhile, without a cause', () => {
  const { movements } = applySnapshot(start, { epoch: 'e2', seq: 0, users: [person('ada'), person('cleo')] });
  expect(movements).toMatchObject([
    { kind: 'left', user: { userId: 'bob' }, cause: undefined },
    { kind: 'joined', user: { userId: 'cleo' } },
  ]);
});

test('a snapshot in parts counts once all have come, in any order', () => {
  const parts = { epoch: 'e2', seq: 9, parts: 2, snapshotId: 's1' };
  const half = applySnapshot(start, { ...parts, part: 2, users: [person('dan')] });
  expect(half.state.users).toBe(start.users);
  const { state } = applySnapshot(half.state, { ...parts, part: 1, users: [person('ada')] });
  expect([...state.users.keys()].sort()).toEqual(['ada', 'dan']);
  expect(state).toMatchObject({ epoch: 'e2', seq: 9 });
  expect(state.gathering).toBeUndefined();
});

test('[DE7] parts of two snapshots of the same number never make one', () => {
  const number = { epoch: 'e2', seq: 9, parts: 2 };
  const [old, anew] = [
    { ...number, snapshotId: 's1' },
    { ...number, snapshotId: 's2' },
  ];
  // Somebody gave a sign of life between the two, and stands in the other part now.
  const first = applySnapshot(start, { ...anew, part: 1, users: [person('ada')] });
  const late = applySnapshot(first.state, { ...old, part: 2, users: [person('ada')] });
  expect(late.state.users).toBe(start.users);
  const { state } = applySnapshot(late.state, { ...anew, part: 2, users: [person('dan')] });
  expect([...state.users.keys()].sort()).toEqual(['ada', 'dan']);
});

test('a snapshot that diffs have overtaken is ignored', () => {
  expect(applySnapshot(start, { epoch: 'e1', seq: 2, users: [] }).state).toBe(start);
});

test('an older cursor and one of a stranger move nothing', () => {
  const cursor = (position: number) => ({ eventId: 'cafe', position });
  const moved = applyCursors(start, [{ userId: 'bob', cursor: cursor(2), at: 20 }]);
  const again = applyCursors(moved, [
    { userId: 'bob', cursor: cursor(1), at: 10 },
    { userId: 'stranger', cursor: cursor(9), at: 30 },
  ]);
  expect(again.users.get('bob')?.cursor).toEqual(cursor(2));
  expect(again.users.has('stranger')).toBe(false);
});

describe('snapshots and cursors that overtake one another', () => {
  const cursor = (position: number) => ({ eventId: 'event', position });
  const shown = (state: typeof start) => state.users.get('bob')?.cursor?.['position'];
  const snapshot = (seq: number, lastActive: number, position: number) =>
    applySnapshot(applyCursors(start, [{ userId: 'bob', cursor: cursor(7), at: 100 }]), {
      epoch: 'e2',
      seq,
      users: [person('bob', { lastActive, cursor: cursor(position) })],
    }).state;

  test('[DE2] a cursor that is newer than the snapshot stays', () => {
    expect(shown(snapshot(1, 99, 6))).toBe(7);
  });

  test('[DE2] the snapshot replaces a cursor that it may know', () => {
    expect(shown(snapshot(1, 100, 8))).toBe(8);
  });

  test('[DE2] an older cursor that comes after the snapshot is ignored, a newer one is shown', () => {
    const state = snapshot(1, 150, 8);
    expect(shown(applyCursors(state, [{ userId: 'bob', cursor: cursor(9), at: 149 }]))).toBe(8);
    expect(shown(applyCursors(state, [{ userId: 'bob', cursor: cursor(9), at: 151 }]))).toBe(9);
  });

  test('[DE2] a cursor of somebody who is gone is not kept', () => {
    const moved = applyCursors(start, [{ userId: 'bob', cursor: cursor(7), at: 100 }]);
    const { state } = applySnapshot(moved, { epoch: 'e2', seq: 1, users: [person('ada')] });
    expect(state.users.has('bob')).toBe(false);
    expect(state.cursorTimes.has('bob')).toBe(false);
  });
});
