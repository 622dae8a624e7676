import type { Redis } from 'ioredis';
import { presenceKeys } from '../../lambdas/presence/keys.ts';
import { PresenceFixture } from '../support/presence.ts';
import { connectRedis } from '../support/redis.ts';

const alice = '00000000-0000-4000-8000-00000000000a';
const bob = '00000000-0000-4000-8000-00000000000b';

let redis: Redis;
let room: PresenceFixture;

beforeAll(() => {
  redis = connectRedis();
});
afterAll(() => redis.quit());
beforeEach(() => {
  room = new PresenceFixture(redis);
});

/** The session as the connection table has it: these seats. */
const restore = (...seats: [userId: string, connectionId: string][]) => {
  const members = seats.map(([userId, connectionId]) => ({
    ...{ userId, connectionId, username: `name of ${userId}`, role: 'viewer' as const, joinedAt: room.now },
  }));
  return room.store.restore(room.sessionId, members, room.now, { onlyIfLost: true });
};

const evicted = (key: keyof typeof presenceKeys) =>
  redis.del((presenceKeys[key] as (sessionId: string) => string)(room.sessionId));

const connectionsOf = async (userId: string) =>
  (await room.users()).find((user) => user.userId === userId)?.connections;

test('[PR12] a socket whose end is noticed late gets no more grace than its silence leaves', async () => {
  await room.enter(alice, 'a1');
  await room.enter(bob, 'b1');
  room.pass(55);
  await room.heartbeat(bob, 'b1');
  await room.close(alice, 'a1');
  room.pass(5);
  expect((await room.visit()).leaves).toEqual([{ userId: alice, cause: 'disconnected' }]);
});

test('[DE1] a cursor is shown to the others while another tab of its user is in its grace', async () => {
  await room.enter(alice, 'a1');
  await room.enter(alice, 'a2');
  await room.enter(bob, 'b1');
  await room.close(alice, 'a2');
  expect((await room.cursor(alice, 'a1', 7))?.batch?.cursors).toMatchObject([
    { userId: alice, cursor: { position: 7 } },
  ]);
});

test('[PR9] a departure is dated when it came to be, however late it is found', async () => {
  await room.enter(alice, 'a1');
  const silent = room.now + room.timings.offlineAfterMillis;
  room.pass(90);
  expect((await room.visit()).departures).toMatchObject([{ userId: alice, cause: 'timeout', at: silent }]);
});

test('[PR2] after an eviction a returning connection is counted once', async () => {
  await room.enter(alice, 'a1');
  await room.enter(alice, 'a2');
  await redis.del(presenceKeys.connections(room.sessionId));
  await room.enter(alice, 'a1');
  await room.enter(alice, 'a2');
  expect(await connectionsOf(alice)).toBe(2);
});

test('[PR9] who goes after the list of users was evicted is still said to have left', async () => {
  await room.enter(alice, 'a1');
  await room.enter(bob, 'b1');
  await evicted('users');
  await restore([alice, 'a1'], [bob, 'b1']);
  await room.close(alice, 'a1', 3000);
  room.pass(3);
  expect((await room.visit()).leaves).toEqual([{ userId: alice, cause: 'disconnected' }]);
});

describe('what Redis evicts', () => {
  const two = [
    [alice, 'a1'],
    [bob, 'b1'],
  ] as [string, string][];

  beforeEach(async () => {
    for (const [userId, connectionId] of two) await room.enter(userId, connectionId);
  });

  test.each(['users', 'connections', 'leaving'] as const)(
    '[FA2] without its key "%s" a session is unknown to a heartbeat, restored, and everybody asks anew',
    async (key) => {
      await room.enter(alice, 'a2');
      await room.close(alice, 'a2');
      const before = await room.heartbeat(bob, 'b1');
      await evicted(key);
      expect(await room.heartbeat(bob, 'b1')).toBeUndefined();
      expect(await room.store.isKnown(room.sessionId)).toBe(false);
      expect(await restore(...two)).toMatchObject({ joins: [], leaves: [] });
      expect((await room.users()).map((user) => user.userId).toSorted()).toEqual([alice, bob]);
      const after = await room.heartbeat(bob, 'b1');
      expect(after?.epoch).toMatch(/^[0-9a-f]{12}$/);
      expect(after?.epoch).not.toBe(before?.epoch);
    },
  );

  test('[DE4] with its key "window" what waits may be lost, so everybody asks anew', async () => {
    const first = await room.cursor(alice, 'a1', 1);
    const waiting = await room.cursor(bob, 'b1', 2);
    await evicted('window');
    room.now = waiting!.promise!.endsAt;
    const flushed = await room.store.flush(room.sessionId, waiting!.promise!.endsAt, room.now);
    expect(flushed.epoch).not.toBe(first?.epoch);
  });

  test('[PR2] a count that an eviction made wrong is right once the session is restored', async () => {
    await room.enter(alice, 'a2');
    await room.close(alice, 'a2');
    await evicted('leaving');
    expect(await room.heartbeat(alice, 'a1')).toBeUndefined();
    await restore(...two);
    expect(await connectionsOf(alice)).toBe(1);
  });

  test('[PR6] whoever comes after the graces were evicted sees connections that are there', async () => {
    await room.enter(alice, 'a1');
    await room.enter(alice, 'a2');
    await room.close(alice, 'a2');
    expect(await connectionsOf(alice)).toBe(2);
    await evicted('leaving');
    await room.enter(bob, 'b1');
    expect(await connectionsOf(alice)).toBe(1);
  });

  test('[PR7] whose list of users was lost while they were in their grace is still shown, and leaves at its end', async () => {
    await room.close(alice, 'a1', 3000);
    await evicted('users');
    expect(await room.heartbeat(bob, 'b1')).toBeUndefined();
    await restore([bob, 'b1']);
    expect(await connectionsOf(alice)).toBe(1);
    room.pass(3);
    expect((await room.visit()).leaves).toEqual([{ userId: alice, cause: 'disconnected' }]);
  });

  test('[PR13] whoever lists a session without the record of somebody gets the whole truth with the next heartbeat', async () => {
    await redis.del(presenceKeys.record(room.sessionId, alice));
    const listed = await room.store.list(room.sessionId, room.now, room.seat(bob, 'b1'));
    expect(listed?.users.map((user) => user.userId)).toEqual([bob]);
    expect(await room.heartbeat(bob, 'b1')).toBeUndefined();
    await restore(...two);
    expect((await room.users()).map((user) => user.userId).toSorted()).toEqual([alice, bob]);
    expect((await room.heartbeat(bob, 'b1'))?.epoch).not.toBe(listed?.epoch);
  });

  test('[PR13] whose end was lost with their grace and their record comes back without the cursor of before', async () => {
    await room.cursor(alice, 'a1', 7);
    await room.close(alice, 'a1');
    await redis.del(presenceKeys.record(room.sessionId, alice));
    await evicted('leaving');
    await restore([bob, 'b1']);
    await room.users();
    const { users } = await room.enter(alice, 'a2');
    expect(users.find(({ userId }) => userId === alice)).toMatchObject({ connections: 1 });
    expect(users.find(({ userId }) => userId === alice)).not.toHaveProperty('cursor');
  });

  test('[PR11] the record of somebody silent for too long is not missed', async () => {
    room.pass(61);
    await redis.del(presenceKeys.record(room.sessionId, alice));
    expect(await room.cursor(alice, 'a1', 1)).toBeUndefined();
    expect(await room.store.isKnown(room.sessionId, room.now)).toBe(true);
  });

  test('[PR5] who chose to be invisible stays so when their record is lost, and when the epoch is', async () => {
    await room.update(alice, 'a1', { status: 'offline' });
    await redis.del(presenceKeys.record(room.sessionId, alice));
    expect(await room.heartbeat(alice, 'a1')).toBeUndefined();
    await restore(...two);
    expect(await room.statusOf(alice)).toBe('offline');
    await redis.del(presenceKeys.record(room.sessionId, alice));
    expect((await room.enter(alice, 'a2')).joins).toMatchObject([{ userId: alice, status: 'offline' }]);
    await evicted('epoch');
    await restore(...two);
    expect(await room.statusOf(alice)).toBe('offline');
    await room.update(alice, 'a1', { status: 'online' });
    await redis.del(presenceKeys.record(room.sessionId, alice));
    await room.heartbeat(alice, 'a1');
    await restore(...two);
    expect(await room.statusOf(alice)).toBe('online');
  });

  test('[DE3] a lost cursor that was to go out makes everybody ask anew, whoever finds it', async () => {
    await room.cursor(alice, 'a1', 1);
    const waiting = await room.cursor(alice, 'a1', 2);
    await evicted('pending');
    const flushed = await room.store.flush(room.sessionId, waiting!.promise!.endsAt, room.now + 100);
    expect(flushed.epoch).not.toBe(waiting?.epoch);
    const again = await room.cursor(alice, 'a1', 3);
    await evicted('pending');
    expect((await room.cursor(bob, 'b1', 4))?.epoch).not.toBe(again?.epoch);
  });

  test('[DE3] a cursor whose user left before the window ended is not missed', async () => {
    await room.cursor(alice, 'a1', 1);
    const waiting = await room.cursor(alice, 'a1', 2);
    await room.store.depart(room.seat(alice, 'a1'), 'left', room.now);
    const flushed = await room.store.flush(room.sessionId, waiting!.promise!.endsAt, room.now + 100);
    expect(flushed.epoch).toBe(waiting?.epoch);
  });

  test('[DE4] lost changes that were to go out make everybody ask anew', async () => {
    for (let n = 0; n < 50; n += 1) await room.enter(`user-${n}`, `connection-${n}`);
    const change = await room.update(alice, 'a1', { activity: 'reading' });
    await evicted('changes');
    room.pass(1);
    expect((await room.visit()).epoch).not.toBe(change?.epoch);
  });

  test('[DE4] changes that came after the lost ones do not hide that they are lost', async () => {
    for (let n = 0; n < 50; n += 1) await room.enter(`user-${n}`, `connection-${n}`);
    await room.update(alice, 'a1', { activity: 'reading' });
    await evicted('changes');
    const change = await room.update(bob, 'b1', { activity: 'writing' });
    room.pass(1);
    const visit = await room.visit();
    expect(visit.epoch).not.toBe(change?.epoch);
    expect(visit.updates).toMatchObject([{ userId: bob, activity: 'writing' }]);
    await room.update(alice, 'a1', { activity: 'resting' });
    room.pass(1);
    expect((await room.visit()).epoch).toBe(visit.epoch);
  });

  test('[DE2] evicted cursors come back from the records', async () => {
    await room.cursor(alice, 'a1', 5);
    await evicted('cursors');
    await room.heartbeat(alice, 'a1');
    expect((await room.users()).find((user) => user.userId === alice)?.cursor).toMatchObject({ position: 5 });
    expect((await room.cursor(alice, 'a1', 5))?.promise).toBeUndefined();
  });

  test('[DE9] evicted roles come back from the records: who may see cursors still does', async () => {
    const person = { username: 'Carol', role: 'operator', cursorRole: 'operator' } as const;
    await room.store.enter(room.seat('carol', 'c1'), person, room.now);
    await evicted('roles');
    const receivers = (await room.cursor(alice, 'a1', 1))?.batch?.receivers;
    expect(receivers).toEqual([{ userId: 'carol', connectionId: 'c1' }]);
  });

  test('[DE9] who may see cursors is known again after the epoch is lost', async () => {
    await evicted('epoch');
    const seat = { userId: bob, connectionId: 'b1', username: 'Bob', role: 'viewer', joinedAt: room.now } as const;
    await room.store.restore(room.sessionId, [{ ...seat, cursorRole: 'operator' }], room.now, { onlyIfLost: true });
    expect((await room.cursor(alice, 'a1', 1))?.batch?.receivers).toEqual([]);
  });

  test('[DE8] no two people share a short name after the epoch is lost', async () => {
    await evicted('epoch');
    await restore([bob, 'b1']);
    await room.enter('carol', 'c1');
    const names = (await room.users()).map((user) => user.index);
    expect(new Set(names).size).toBe(3);
  });
});

test('[PR5] where an invisible user pointed is not shown, and is once they can be seen', async () => {
  await room.enter(alice, 'a1');
  await room.enter(bob, 'b1');
  await room.update(alice, 'a1', { status: 'offline' });
  expect((await room.cursor(alice, 'a1', 7))?.batch).toBeUndefined();
  const listed = await room.store.list(room.sessionId, room.now, room.seat(bob, 'b1'));
  expect(listed?.users.find((user) => user.userId === alice)?.cursor).toBeUndefined();
  const own = await room.store.list(room.sessionId, room.now, room.seat(alice, 'a1'));
  expect(own?.users.find((user) => user.userId === alice)?.cursor).toMatchObject({ position: 7 });
  const seen = await room.update(alice, 'a1', { status: 'online' });
  expect(seen?.batch?.cursors).toMatchObject([{ userId: alice, cursor: { position: 7 } }]);
});

test('[PR5] an invisible user stays invisible in a restored session, also if their newest connection does not know the choice yet', async () => {
  const seat = { username: 'Alice', role: 'viewer' as const, userId: alice, joinedAt: room.now };
  const members = [
    { ...seat, connectionId: 'a2' },
    { ...seat, connectionId: 'a1', invisible: true },
  ];
  await room.store.restore(room.sessionId, members, room.now, { onlyIfLost: true });
  expect(await room.statusOf(alice)).toBe('offline');
});
