import type { Redis } from 'ioredis';
import { EventPublisher } from '../../lambdas/presence/event-publisher.ts';
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

/** Restores the session from a connection table with these seats. */
const restore = (...seats: [userId: string, connectionId: string][]) => {
  const members = seats.map(([userId, connectionId]) => ({
    ...{ userId, connectionId, username: `name of ${userId}`, role: 'viewer' as const, joinedAt: room.now },
  }));
  return room.store.restore(room.sessionId, members, room.now, { onlyIfLost: true });
};

const evict = (key: keyof typeof presenceKeys) =>
  redis.del((presenceKeys[key] as (sessionId: string) => string)(room.sessionId));

const connectionsOf = async (userId: string) =>
  (await room.users()).find((user) => user.userId === userId)?.connections;

test('[PR12] if the end of a socket is noticed late, its grace ends no later than the timeout', async () => {
  await room.enter(alice, 'a1');
  await room.enter(bob, 'b1');
  room.pass(55);
  await room.heartbeat(bob, 'b1');
  await room.close(alice, 'a1');
  room.pass(5);
  expect((await room.visit()).leaves).toEqual([{ userId: alice, cause: 'disconnected' }]);
});

test('[DE1] others get a user’s cursor while another tab of the same user is in its grace', async () => {
  await room.enter(alice, 'a1');
  await room.enter(alice, 'a2');
  await room.enter(bob, 'b1');
  await room.close(alice, 'a2');
  expect((await room.cursor(alice, 'a1', 7))?.batch?.cursors).toMatchObject([
    { userId: alice, cursor: { position: 7 } },
  ]);
});

test('[PR9] a timeout has the time at which it became due, however late a visit finds it', async () => {
  await room.enter(alice, 'a1');
  const silent = room.now + room.timings.offlineAfterMillis;
  room.pass(90);
  expect((await room.visit()).departures).toMatchObject([{ userId: alice, cause: 'timeout', at: silent }]);
});

test('[PR2] after Redis evicted the connections, a connection that joins again is counted once', async () => {
  await room.enter(alice, 'a1');
  await room.enter(alice, 'a2');
  await redis.del(presenceKeys.connections(room.sessionId));
  await room.enter(alice, 'a1');
  await room.enter(alice, 'a2');
  expect(await connectionsOf(alice)).toBe(2);
});

test('[PR9] after Redis evicted the list of users, the end of a socket is still announced as a leave', async () => {
  await room.enter(alice, 'a1');
  await room.enter(bob, 'b1');
  await evict('users');
  await restore([alice, 'a1'], [bob, 'b1']);
  await room.close(alice, 'a1', 3000);
  room.pass(3);
  expect((await room.visit()).leaves).toEqual([{ userId: alice, cause: 'disconnected' }]);
});

describe('after Redis evicted a key of a session', () => {
  const two = [
    [alice, 'a1'],
    [bob, 'b1'],
  ] as [string, string][];

  beforeEach(async () => {
    for (const [userId, connectionId] of two) await room.enter(userId, connectionId);
  });

  test.each(['users', 'connections', 'leaving'] as const)(
    '[FA2] without the key "%s" a heartbeat finds the session unknown, and the restored session has a new epoch',
    async (key) => {
      await room.enter(alice, 'a2');
      await room.close(alice, 'a2');
      const before = await room.heartbeat(bob, 'b1');
      await evict(key);
      expect(await room.heartbeat(bob, 'b1')).toBeUndefined();
      expect(await room.store.isKnown(room.sessionId)).toBe(false);
      expect(await restore(...two)).toMatchObject({ joins: [], leaves: [] });
      expect((await room.users()).map((user) => user.userId).toSorted()).toEqual([alice, bob]);
      const after = await room.heartbeat(bob, 'b1');
      expect(after?.epoch).toMatch(/^[0-9a-f]{12}$/);
      expect(after?.epoch).not.toBe(before?.epoch);
    },
  );

  test('[DE4] without the key "window" waiting changes may be lost, so a new epoch begins', async () => {
    const first = await room.cursor(alice, 'a1', 1);
    const waiting = await room.cursor(bob, 'b1', 2);
    await evict('window');
    room.now = waiting!.promise!.endsAt;
    const flushed = await room.store.flush(room.sessionId, waiting!.promise!.endsAt, room.now);
    expect(flushed.epoch).not.toBe(first?.epoch);
  });

  test('[PR2] the number of connections is correct again when the session is restored', async () => {
    await room.enter(alice, 'a2');
    await room.close(alice, 'a2');
    await evict('leaving');
    expect(await room.heartbeat(alice, 'a1')).toBeUndefined();
    await restore(...two);
    expect(await connectionsOf(alice)).toBe(1);
  });

  test('[PR6] a user who joins after the graces were evicted gets the correct number of connections', async () => {
    await room.enter(alice, 'a1');
    await room.enter(alice, 'a2');
    await room.close(alice, 'a2');
    expect(await connectionsOf(alice)).toBe(2);
    await evict('leaving');
    await room.enter(bob, 'b1');
    expect(await connectionsOf(alice)).toBe(1);
  });

  test('[PR7] a user in their grace is still listed after the list of users was lost, and leaves at the end of the grace', async () => {
    await room.close(alice, 'a1', 3000);
    await evict('users');
    expect(await room.heartbeat(bob, 'b1')).toBeUndefined();
    await restore([bob, 'b1']);
    expect(await connectionsOf(alice)).toBe(1);
    room.pass(3);
    expect((await room.visit()).leaves).toEqual([{ userId: alice, cause: 'disconnected' }]);
  });

  test('[PR13] if a record is lost, the user is missing in a list, and listed again after the next heartbeat', async () => {
    await redis.del(presenceKeys.record(room.sessionId, alice));
    const listed = await room.store.list(room.sessionId, room.now, room.seat(bob, 'b1'));
    expect(listed?.users.map((user) => user.userId)).toEqual([bob]);
    expect(await room.heartbeat(bob, 'b1')).toBeUndefined();
    await restore(...two);
    expect((await room.users()).map((user) => user.userId).toSorted()).toEqual([alice, bob]);
    expect((await room.heartbeat(bob, 'b1'))?.epoch).not.toBe(listed?.epoch);
  });

  test('[PR13] a user whose grace and record were lost returns without their earlier cursor', async () => {
    await room.cursor(alice, 'a1', 7);
    await room.close(alice, 'a1');
    await redis.del(presenceKeys.record(room.sessionId, alice));
    await evict('leaving');
    await restore([bob, 'b1']);
    await room.users();
    const { users } = await room.enter(alice, 'a2');
    expect(users.find(({ userId }) => userId === alice)).toMatchObject({ connections: 1 });
    expect(users.find(({ userId }) => userId === alice)).not.toHaveProperty('cursor');
  });

  test('[PR11] a missing record of a user who is past the timeout does not make the session incomplete', async () => {
    room.pass(61);
    await redis.del(presenceKeys.record(room.sessionId, alice));
    expect(await room.cursor(alice, 'a1', 1)).toBeUndefined();
    expect(await room.store.isKnown(room.sessionId, room.now)).toBe(true);
  });

  test('[PR5] an invisible user stays invisible if their record or the epoch is lost', async () => {
    await room.update(alice, 'a1', { status: 'offline' });
    await redis.del(presenceKeys.record(room.sessionId, alice));
    expect(await room.heartbeat(alice, 'a1')).toBeUndefined();
    await restore(...two);
    expect(await room.statusOf(alice)).toBe('offline');
    await redis.del(presenceKeys.record(room.sessionId, alice));
    expect((await room.enter(alice, 'a2')).joins).toMatchObject([{ userId: alice, status: 'offline' }]);
    await evict('epoch');
    await restore(...two);
    expect(await room.statusOf(alice)).toBe('offline');
    await room.update(alice, 'a1', { status: 'online' });
    await redis.del(presenceKeys.record(room.sessionId, alice));
    await room.heartbeat(alice, 'a1');
    await restore(...two);
    expect(await room.statusOf(alice)).toBe('online');
  });

  test('[DE3] if a waiting cursor is lost, a new epoch begins, whichever script notices the loss', async () => {
    await room.cursor(alice, 'a1', 1);
    const waiting = await room.cursor(alice, 'a1', 2);
    await evict('pending');
    const flushed = await room.store.flush(room.sessionId, waiting!.promise!.endsAt, room.now + 100);
    expect(flushed.epoch).not.toBe(waiting?.epoch);
    const again = await room.cursor(alice, 'a1', 3);
    await evict('pending');
    expect((await room.cursor(bob, 'b1', 4))?.epoch).not.toBe(again?.epoch);
  });

  test('[DE3] a waiting cursor is not missed if its user left before the end of the window', async () => {
    await room.cursor(alice, 'a1', 1);
    const waiting = await room.cursor(alice, 'a1', 2);
    await room.store.depart(room.seat(alice, 'a1'), 'left', room.now);
    const flushed = await room.store.flush(room.sessionId, waiting!.promise!.endsAt, room.now + 100);
    expect(flushed.epoch).toBe(waiting?.epoch);
  });

  test('[DE4] if waiting changes are lost, a new epoch begins', async () => {
    for (let n = 0; n < 50; n += 1) await room.enter(`user-${n}`, `connection-${n}`);
    const change = await room.update(alice, 'a1', { activity: 'reading' });
    await evict('changes');
    room.pass(1);
    expect((await room.visit()).epoch).not.toBe(change?.epoch);
  });

  test('[DE4] the loss of waiting changes is noticed even if other changes follow', async () => {
    for (let n = 0; n < 50; n += 1) await room.enter(`user-${n}`, `connection-${n}`);
    await room.update(alice, 'a1', { activity: 'reading' });
    await evict('changes');
    const change = await room.update(bob, 'b1', { activity: 'writing' });
    room.pass(1);
    const visit = await room.visit();
    expect(visit.epoch).not.toBe(change?.epoch);
    expect(visit.updates).toMatchObject([{ userId: bob, activity: 'writing' }]);
    await room.update(alice, 'a1', { activity: 'resting' });
    room.pass(1);
    expect((await room.visit()).epoch).toBe(visit.epoch);
  });

  test('[DE2] evicted cursors are restored from the presence records', async () => {
    await room.cursor(alice, 'a1', 5);
    await evict('cursors');
    await room.heartbeat(alice, 'a1');
    expect((await room.users()).find((user) => user.userId === alice)?.cursor).toMatchObject({ position: 5 });
    expect((await room.cursor(alice, 'a1', 5))?.promise).toBeUndefined();
  });

  test('[DE9] evicted roles are restored from the presence records, so the same connections get cursors', async () => {
    const person = { username: 'Carol', role: 'operator', cursorRole: 'operator' } as const;
    await room.store.enter(room.seat('carol', 'c1'), person, room.now);
    await evict('roles');
    const receivers = (await room.cursor(alice, 'a1', 1))?.batch?.receivers;
    expect(receivers).toEqual([{ userId: 'carol', connectionId: 'c1' }]);
  });

  test('[DE9] after the epoch was lost, only roles that may see cursors get them', async () => {
    await evict('epoch');
    const seat = { userId: bob, connectionId: 'b1', username: 'Bob', role: 'viewer', joinedAt: room.now } as const;
    await room.store.restore(room.sessionId, [{ ...seat, cursorRole: 'operator' }], room.now, { onlyIfLost: true });
    expect((await room.cursor(alice, 'a1', 1))?.batch?.receivers).toEqual([]);
  });

  test('[DE8] after the epoch was lost, no two users have the same index', async () => {
    await evict('epoch');
    await restore([bob, 'b1']);
    await room.enter('carol', 'c1');
    const names = (await room.users()).map((user) => user.index);
    expect(new Set(names).size).toBe(3);
  });
});

test('[PR5] others get the cursor of an invisible user only when the user becomes visible', async () => {
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

test('[PR5] an invisible user stays invisible in a restored session, even if their newest connection lacks the choice', async () => {
  const seat = { username: 'Alice', role: 'viewer' as const, userId: alice, joinedAt: room.now };
  const members = [
    { ...seat, connectionId: 'a2' },
    { ...seat, connectionId: 'a1', invisible: true },
  ];
  await room.store.restore(room.sessionId, members, room.now, { onlyIfLost: true });
  expect(await room.statusOf(alice)).toBe('offline');
});

describe('an event of a program', () => {
  const publish = (attempt: string, content = 'c'.repeat(43)) =>
    new EventPublisher(redis, room.timings).address(
      room.sessionId,
      { mark: { id: 'event', content, attempt } },
      room.now,
    );

  test('[SA4] [FA2] invalidates a session whose list of connections was evicted, so that it reaches everybody after the restore', async () => {
    await room.enter(alice, 'a1');
    await room.enter(bob, 'b1');
    await evict('connections');
    expect(await publish('one')).toBeUndefined();
    await restore([alice, 'a1'], [bob, 'b1']);
    expect((await publish('one'))?.receivers.map(({ connectionId }) => connectionId).sort()).toEqual(['a1', 'b1']);
  });

  test('[SA4] is sent if the script runs again because its reply was lost, and not if the program repeats the request', async () => {
    await room.enter(alice, 'a1');
    const verdicts = [];
    // The first run reached the limit of the session.
    const limited = new PresenceFixture(redis, { SESSION_POSTS_PER_SECOND: '1' });
    const { sessionId } = limited;
    const mark = { id: 'event', content: 'c'.repeat(43), attempt: 'one' };
    for (const person of [alice, bob, 'carol', 'dave']) await limited.enter(person, `${person}-1`);
    // The posts of the joins no longer count.
    limited.pass(30);
    const events = new EventPublisher(redis, limited.timings);
    const runs = [1, 2].map(() => events.address(sessionId, { mark }, limited.now));
    expect((await Promise.all(runs)).map((run) => run?.verdict)).toEqual(['sent', 'sent']);
    await expect(events.address(sessionId, {}, limited.now)).rejects.toMatchObject({ code: 'RATE_LIMITED' });
    for (const attempt of ['one', 'one', 'two', 'one']) verdicts.push((await publish(attempt))?.verdict);
    expect(verdicts).toEqual(['sent', 'sent', 'repeated', 'sent']);
    expect((await publish('one', 'd'.repeat(43)))?.verdict).toBe('other');
  });
});
