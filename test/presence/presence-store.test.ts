import type { Redis } from 'ioredis';
import { presenceKeys } from '../../lambdas/presence/keys.ts';
import { PresenceFixture } from '../support/presence.ts';
import { connectRedis, findKeys, isOnCluster } from '../support/redis.ts';
import { openRedisWire } from '../support/redis-wire.ts';

const [alice, bob, carol] = [
  '00000000-0000-4000-8000-00000000000a',
  '00000000-0000-4000-8000-00000000000b',
  '00000000-0000-4000-8000-00000000000c',
];

let redis: Redis;
let room: PresenceFixture;

beforeAll(() => {
  redis = connectRedis();
});
afterAll(() => redis.quit());
beforeEach(() => {
  room = new PresenceFixture(redis);
});

describe('presence', () => {
  test('[PR1] any frame is a sign of life, not only a heartbeat', async () => {
    await room.enter(alice, 'a1');
    room.pass(40);
    await room.cursor(alice, 'a1', 1);
    room.pass(40);
    await room.update(alice, 'a1', { activity: 'reading' });
    room.pass(40);
    expect(await room.store.list(room.sessionId, room.now, room.seat(alice, 'a1'))).toBeDefined();
    room.pass(59);
    expect((await room.visit()).leaves).toEqual([]);
  });

  test('[PR2] only the first connection of a user causes a join, and only the last one a leave', async () => {
    await room.enter(bob, 'b1');
    expect((await room.enter(alice, 'a1')).joins).toMatchObject([{ userId: alice, connections: 1, status: 'online' }]);
    expect(await room.enter(alice, 'a2')).toMatchObject({ joins: [], updates: [{ userId: alice, connections: 2 }] });
    const first = await room.store.depart(room.seat(alice, 'a1'), 'left', room.now);
    expect(first).toMatchObject({ leaves: [], updates: [{ userId: alice, connections: 1 }] });
    const last = await room.store.depart(room.seat(alice, 'a2'), 'left', room.now);
    expect(last).toMatchObject({ leaves: [{ userId: alice, cause: 'left' }], updates: [] });
  });

  test('[PR2] joining again on the same connection changes nothing', async () => {
    await room.enter(bob, 'b1');
    await room.enter(alice, 'a1');
    const again = await room.enter(alice, 'a1');
    expect(again).toMatchObject({ joins: [], updates: [], leaves: [], first: false });
    expect(again.users.find((user) => user.userId === alice)?.connections).toBe(1);
  });

  test('[PR3] a user without a sign of life is present at 59.999 s and offline at 60 s', async () => {
    await room.enter(alice, 'a1');
    await room.enter(bob, 'b1');
    room.pass(59.999);
    expect((await room.visit()).leaves).toEqual([]);
    room.pass(0.001);
    await expect(room.visit()).resolves.toMatchObject({ leaves: [{ cause: 'timeout' }, { cause: 'timeout' }] });
  });

  test('[PR3] a presence record lives for interval + timeout; a frame of its user renews it, a change by others does not', async () => {
    await room.enter(alice, 'a1');
    const key = presenceKeys.record(room.sessionId, alice);
    expect(await redis.pttl(key)).toBeGreaterThan(59_000);
    expect(await redis.pttl(key)).toBeLessThanOrEqual(60_000);
    await redis.pexpire(key, 20_000);
    await room.store.changeRole(room.sessionId, alice, 'operator', room.now);
    expect(await redis.pttl(key)).toBeLessThanOrEqual(20_000);
    await room.heartbeat(alice, 'a1');
    expect(await redis.pttl(key)).toBeGreaterThan(59_000);
  });

  test('[PR3] one late heartbeat causes neither a leave nor a change of status', async () => {
    await room.enter(alice, 'a1');
    await room.enter(bob, 'b1');
    room.pass(59);
    await room.heartbeat(bob, 'b1');
    await room.heartbeat(alice, 'a1');
    room.pass(30);
    await expect(room.visit()).resolves.toMatchObject({ joins: [], leaves: [], updates: [] });
  });
});

describe('status', () => {
  test('[PR4] a user is away after exactly two minutes without user activity, even with idle heartbeats', async () => {
    await room.enter(alice, 'a1');
    for (const seconds of [30, 30, 30, 29.999]) {
      room.pass(seconds);
      await room.heartbeat(alice, 'a1', true);
    }
    expect(await room.statusOf(alice)).toBe('online');
    room.pass(0.001);
    expect(await room.statusOf(alice)).toBe('away');
  });

  test('[PR4] a connected user without activity is away and never offline', async () => {
    await room.enter(alice, 'a1');
    for (let beat = 0; beat < 20; beat += 1) {
      room.pass(30);
      await room.heartbeat(alice, 'a1', true);
    }
    expect(await room.statusOf(alice)).toBe('away');
  });

  test.each([
    ['a cursor', () => room.cursor(alice, 'a1', 7)],
    ['an activity', () => room.update(alice, 'a1', { activity: 'typing' })],
    ['a status', () => room.update(alice, 'a1', { status: 'online' })],
    ['a heartbeat that is not idle', () => room.heartbeat(alice, 'a1')],
  ])('[PR4] %s is user activity', async (_, act) => {
    await room.enter(alice, 'a1');
    room.pass(50);
    await room.heartbeat(alice, 'a1', true);
    room.pass(50);
    await act();
    room.pass(50);
    await room.heartbeat(alice, 'a1', true);
    expect(await room.statusOf(alice)).toBe('online');
  });

  test('[PR5] one tab in use keeps the user online', async () => {
    await room.enter(alice, 'a1');
    await room.enter(alice, 'a2');
    for (let beat = 0; beat < 6; beat += 1) {
      room.pass(30);
      await room.heartbeat(alice, 'a1', true);
      await room.cursor(alice, 'a2', beat);
    }
    expect(await room.statusOf(alice)).toBe('online');
  });

  test('[PR5] a chosen status of away lasts during plain heartbeats and ends with user activity', async () => {
    await room.enter(alice, 'a1');
    await room.update(alice, 'a1', { status: 'away' });
    await room.heartbeat(alice, 'a1');
    expect(await room.statusOf(alice)).toBe('away');
    await room.cursor(alice, 'a1', 1);
    expect(await room.statusOf(alice)).toBe('online');
  });

  test('[PR5] an invisible user stays invisible during user activity, shows no cursor, and is visible after an explicit change', async () => {
    await room.enter(alice, 'a1');
    await room.enter(bob, 'b1');
    await room.update(alice, 'a1', { status: 'offline' });
    const moved = await room.cursor(alice, 'a1', 1);
    expect(moved).toMatchObject({ batch: undefined, updates: [] });
    expect(await room.statusOf(alice)).toBe('offline');
    await room.update(alice, 'a1', { status: 'online' });
    expect(await room.statusOf(alice)).toBe('online');
  });

  test('[PR5] others see the chosen or the computed status, whichever is less present', async () => {
    await room.enter(alice, 'a1');
    await room.update(alice, 'a1', { status: 'away' });
    room.pass(60);
    expect(await room.statusOf(alice)).toBeUndefined();
  });

  test('[PR6] the status is computed when it is read, before any sweep', async () => {
    await room.enter(alice, 'a1');
    await room.enter(bob, 'b1');
    room.pass(30);
    await room.heartbeat(bob, 'b1');
    room.pass(30);
    expect((await room.users()).map((user) => user.userId)).toEqual([bob]);
  });
});

describe('leaving', () => {
  test('[PR2] [PR9] a user who leaves with several tabs at once causes one leave and no other change', async () => {
    await room.enter(bob, 'b1');
    for (const tab of ['a1', 'a2', 'a3']) await room.enter(alice, tab);
    for (const tab of ['a1', 'a2', 'a3']) await room.close(alice, tab, 5000);
    room.pass(5);
    expect(await room.visit()).toMatchObject({ updates: [], leaves: [{ userId: alice }] });
    for (const tab of ['a1', 'a2']) await room.enter(alice, tab);
    room.pass(50);
    await room.heartbeat(bob, 'b1');
    room.pass(10);
    expect(await room.visit()).toMatchObject({ updates: [], leaves: [{ userId: alice, cause: 'timeout' }] });
  });

  test('[PR7] a leave by session_leave takes effect at once', async () => {
    await room.enter(alice, 'a1');
    await room.enter(bob, 'b1');
    const outcome = await room.store.depart(room.seat(alice, 'a1'), 'left', room.now);
    expect(outcome.leaves).toEqual([{ userId: alice, cause: 'left' }]);
    expect(outcome.receivers).toEqual([{ userId: bob, connectionId: 'b1' }]);
  });

  test('[PR7] others are told nothing if a user with a broken socket returns within the grace', async () => {
    await room.enter(bob, 'b1');
    await room.enter(alice, 'a1');
    await room.close(alice, 'a1');
    room.pass(14.9);
    await expect(room.visit()).resolves.toMatchObject({ leaves: [], updates: [] });
    await expect(room.enter(alice, 'a2')).resolves.toMatchObject({ joins: [], updates: [], leaves: [] });
    room.pass(30);
    await room.heartbeat(alice, 'a2');
    await expect(room.visit()).resolves.toMatchObject({ leaves: [], updates: [] });
    expect((await room.users()).find((user) => user.userId === alice)?.connections).toBe(1);
  });

  test('[PR7] after the grace there is one leave with the cause disconnected', async () => {
    await room.enter(bob, 'b1');
    await room.enter(alice, 'a1');
    await room.close(alice, 'a1');
    room.pass(15);
    expect((await room.visit()).leaves).toEqual([{ userId: alice, cause: 'disconnected' }]);
    expect((await room.visit()).leaves).toEqual([]);
  });

  test('[PR7] a clean close shortens the grace of a socket that a post found gone before, and no event makes it longer', async () => {
    const close = (cause: 'gone' | 'disconnected', graceMillis: number) =>
      room.store.close(room.seat(alice, 'a1'), room.now + graceMillis, cause, room.now);
    await room.enter(bob, 'b1');
    await room.enter(alice, 'a1');
    expect(await close('gone', 15_000)).toBe(true);
    expect(await close('disconnected', 3000)).toBe(true);
    expect(await close('disconnected', 15_000)).toBe(false);
    expect(await close('gone', 15_000)).toBe(false);
    room.pass(2.9);
    expect((await room.visit()).leaves).toEqual([]);
    room.pass(0.1);
    expect((await room.visit()).leaves).toEqual([{ userId: alice, cause: 'disconnected' }]);
  });

  test('[PR7] [PR8] a late close of a socket that was found gone does not affect a user who is back', async () => {
    await room.enter(bob, 'b1');
    await room.enter(alice, 'a1');
    await room.store.close(room.seat(alice, 'a1'), room.now + 15_000, 'gone', room.now);
    await room.enter(alice, 'a2');
    expect(await room.close(alice, 'a1', 3000)).toBe(false);
    room.pass(20);
    await expect(room.visit()).resolves.toMatchObject({ leaves: [], updates: [] });
  });

  test('[PR8] the end of an old connection does not affect a newer one', async () => {
    await room.enter(bob, 'b1');
    await room.enter(alice, 'old');
    await room.enter(alice, 'new');
    expect(await room.close(alice, 'old')).toBe(true);
    expect(await room.close(alice, 'old')).toBe(false);
    room.pass(20);
    const visit = await room.visit();
    expect(visit).toMatchObject({ leaves: [], updates: [{ userId: alice, connections: 1 }] });
    expect(await room.statusOf(alice)).toBe('online');
  });

  test('[PR8] the timeout of one connection does not affect the other connections of its user', async () => {
    await room.enter(bob, 'b1');
    await room.enter(alice, 'silent');
    await room.enter(alice, 'alive');
    room.pass(45);
    await room.heartbeat(alice, 'alive');
    await room.heartbeat(bob, 'b1');
    room.pass(15);
    const visit = await room.visit();
    expect(visit).toMatchObject({ leaves: [], updates: [{ userId: alice, connections: 1 }] });
    expect(visit.receivers).toHaveLength(2);
  });

  test('[PR9] each leave has its cause', async () => {
    await room.enter(alice, 'a1');
    await room.enter(bob, 'b1');
    await room.enter(carol, 'c1');
    const removed = await room.store.removeFromSession(room.sessionId, carol, 'removed', room.now);
    expect(removed).toMatchObject({
      leaves: [{ userId: carol, cause: 'removed' }],
      ended: [{ userId: carol, connectionId: 'c1' }],
    });
    await room.close(bob, 'b1', 0);
    expect((await room.visit()).leaves).toEqual([{ userId: bob, cause: 'disconnected' }]);
    room.pass(60);
    const visit = await room.visit();
    expect(visit.leaves).toEqual([{ userId: alice, cause: 'timeout' }]);
    expect(visit.departures.map(({ userId, cause }) => ({ userId, cause }))).toEqual([
      { userId: carol, cause: 'removed' },
      { userId: bob, cause: 'disconnected' },
      { userId: alice, cause: 'timeout' },
    ]);
  });

  test('[PR10] if many sweeps run at the same time, one of them announces the leave', async () => {
    await room.enter(bob, 'b1');
    await room.enter(alice, 'a1');
    room.pass(30);
    await room.heartbeat(bob, 'b1');
    room.pass(30);
    const visits = await Promise.all(Array.from({ length: 20 }, () => room.visit()));
    expect(visits.flatMap((visit) => visit.leaves)).toEqual([{ userId: alice, cause: 'timeout' }]);
  });

  test('[PR11] a user who timed out is unknown, and their return is a join', async () => {
    await room.enter(bob, 'b1');
    await room.enter(alice, 'a1');
    room.pass(30);
    await room.heartbeat(bob, 'b1');
    room.pass(30);
    await room.visit();
    expect(await room.heartbeat(alice, 'a1')).toBeUndefined();
    expect((await room.enter(alice, 'a1')).joins).toMatchObject([{ userId: alice }]);
  });

  test('[PR12] the next visit is due at the first deadline at the latest', async () => {
    await room.enter(alice, 'a1');
    room.pass(10);
    await room.enter(bob, 'b1');
    expect((await room.visit()).nextDeadline).toBe(room.now + 50_000);
    await room.close(bob, 'b1');
    expect((await room.visit()).nextDeadline).toBe(room.now + 15_000);
    room.pass(60);
    expect((await room.visit()).nextDeadline).toBeUndefined();
  });
});

describe('listing', () => {
  test('[PR13] a user without a presence record is not listed, and is deleted if they have no connection', async () => {
    await room.enter(alice, 'a1');
    await redis.zadd(presenceKeys.users(room.sessionId), room.now, carol);
    expect((await room.users()).map((user) => user.userId)).toEqual([alice]);
    expect(await redis.zscore(presenceKeys.users(room.sessionId), carol)).toBeNull();
  });

  // On a cluster, test/cluster/presence.test.ts counts the commands at the nodes.
  if (!isOnCluster()) {
    test('[PR14] a heartbeat, a cursor, a status change and a list of 500 users are one Redis command each', async () => {
      const wire = await openRedisWire();
      const client = connectRedis(wire.url);
      const counted = new PresenceFixture(client);
      await counted.enter(alice, 'a1');
      for (let index = 0; index < 500; index += 1)
        await counted.enter(`${bob.slice(0, -3)}${100 + index}`, `c${index}`);
      counted.pass(5);
      await counted.heartbeat(alice, 'a1');
      await counted.users();
      counted.pass(5);
      const acts = [
        () => counted.heartbeat(alice, 'a1'),
        () => counted.cursor(alice, 'a1', 3),
        () => counted.update(alice, 'a1', { status: 'away' }),
        () => counted.users(),
      ];
      for (const act of acts) {
        wire.commands.length = 0;
        await act();
        expect(wire.commands).toEqual(['evalsha']);
      }
      await client.quit();
      await wire.close();
    });
  }

  test('[PR14] the reply to a cursor names its receivers; a heartbeat that changes nothing has no receivers', async () => {
    await room.enter(alice, 'a1');
    await room.enter(bob, 'b1');
    const moved = await room.cursor(alice, 'a1', 1);
    expect(moved?.batch).toMatchObject({
      cursors: [{ userId: alice, cursor: { eventId: 'event', position: 1 }, at: room.now }],
      receivers: [
        { userId: alice, connectionId: 'a1' },
        { userId: bob, connectionId: 'b1' },
      ],
    });
    expect(await room.heartbeat(alice, 'a1')).toMatchObject({ batch: undefined, promise: undefined, receivers: [] });
  });

  test('[PR15] the server sets the times', async () => {
    const before = room.now;
    await room.enter(alice, 'a1');
    room.pass(5);
    await room.cursor(alice, 'a1', 1);
    const [user] = await room.users();
    expect(user).toMatchObject({ joinedAt: before, lastSeen: room.now, lastActive: room.now });
  });
});

describe('numbering', () => {
  test('[DE4] the diffs of a session have consecutive numbers, and a snapshot contains all earlier ones', async () => {
    await room.enter(alice, 'a1');
    const joined = await room.enter(bob, 'b1');
    const away = await room.update(alice, 'a1', { status: 'away' });
    const listed = await room.store.list(room.sessionId, room.now);
    expect(joined.seq).toBe(1);
    expect(away?.seq).toBe(2);
    expect(listed).toMatchObject({ epoch: joined.epoch, seq: 2 });
  });

  test('[DE1] in a session with one connection, a change has no receivers and no number', async () => {
    await room.enter(alice, 'a1');
    expect(await room.update(alice, 'a1', { status: 'away' })).toMatchObject({ receivers: [], seq: 0 });
    expect(await room.cursor(alice, 'a1', 1)).toMatchObject({ batch: undefined, promise: undefined });
    await room.enter(alice, 'a2');
    expect(await room.cursor(alice, 'a1', 2)).toMatchObject({ batch: undefined, promise: undefined });
  });

  test('[DE1] a change reaches only the connections of its session, including the other tab of its user', async () => {
    const other = new PresenceFixture(redis);
    await other.enter(carol, 'elsewhere');
    await room.enter(alice, 'a1');
    await room.enter(alice, 'a2');
    await room.enter(bob, 'b1');
    const outcome = await room.update(alice, 'a1', { status: 'away' });
    expect(outcome?.receivers.map((receiver) => receiver.connectionId).sort()).toEqual(['a1', 'a2', 'b1']);
  });
});

test('the numbers, lists and fields of a cursor are stored exactly', async () => {
  await room.enter(alice, 'a1');
  const cursor = {
    eventId: 'e/"1"',
    position: 0.1234567890123456,
    path: [],
    deep: { list: [1.5, null, {}] },
    big: 1e15,
  };
  await room.store.touch(room.seat(alice, 'a1'), { kind: 'cursor', cursor }, room.now);
  await room.heartbeat(alice, 'a1');
  const [user] = await room.users();
  expect(user?.cursor).toEqual(cursor);
  expect(JSON.parse((await redis.get(presenceKeys.record(room.sessionId, alice)))!).cursor).toEqual(cursor);
});

test('each key of a session has a time to live', async () => {
  await room.enter(alice, 'a1');
  await room.enter(bob, 'b1');
  await room.cursor(alice, 'a1', 1);
  await room.close(bob, 'b1', 0);
  await room.visit();
  const keys = await findKeys(redis, `presence:*{${room.sessionId}}*`);
  expect(keys.length).toBeGreaterThanOrEqual(6);
  for (const key of keys) expect({ key, lives: (await redis.pttl(key)) > 0 }).toEqual({ key, lives: true });
});

test('a name with quotes, newlines and non-Latin letters is stored exactly', async () => {
  const username = 'Ada "the\n\\first" 愛達 🙂';
  await room.store.enter(room.seat(alice, 'a1'), { username, role: 'operator' }, room.now);
  expect((await room.users())[0]).toMatchObject({ username, role: 'operator' });
});

test.each([
  ['true', 6],
  ['false', 0],
])(
  'with PUBLISH_CURSORS=%s the channel of a session gets %i of six cursors, and all other changes',
  async (setting, count) => {
    const session = new PresenceFixture(redis, { PUBLISH_CURSORS: setting });
    const listener = redis.duplicate();
    const heard: string[] = [];
    const last = new Promise<void>((resolve) => {
      listener.on('message', (_, text: string) => {
        const { type } = JSON.parse(text) as { type: string };
        heard.push(type);
        if (type === 'activity') resolve();
      });
    });
    await listener.subscribe(presenceKeys.channel(session.sessionId));
    await session.enter('ada', 'a1');
    await session.enter('bob', 'b1');
    // The first three take the general path, and the others the fast path.
    for (let move = 1; move <= 6; move += 1) {
      await (move % 2 ? session.cursor('ada', 'a1', move) : session.cursor('bob', 'b1', move));
    }
    await session.update('ada', 'a1', { activity: 'typing' });
    await last;
    await listener.quit();
    expect(heard.filter((type) => type === 'cursor')).toHaveLength(count);
    expect(heard.filter((type) => type !== 'cursor')).toEqual(['online', 'online', 'activity']);
  },
);
