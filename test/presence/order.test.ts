import { randomUUID } from 'node:crypto';
import { Redis } from 'ioredis';
import { Overtaken, type Turn } from '../../lambdas/platform/turn.ts';
import { presenceKeys, scriptKeys } from '../../lambdas/presence/keys.ts';
import type { Touch } from '../../lambdas/presence/presence-store.ts';
import { testAddresses } from '../support/addresses.ts';
import { PresenceFixture } from '../support/presence.ts';
import { isOnCluster } from '../support/redis.ts';
import { openRedisWire } from '../support/redis-wire.ts';

let redis: Redis;
let room: PresenceFixture;
const [ada, bob] = ['ada', 'bob'];

beforeAll(() => {
  redis = new Redis(testAddresses.redis);
});
afterAll(() => redis.quit());
beforeEach(async () => {
  room = new PresenceFixture(redis);
  await enter('a1', { turn: { order: 0 } });
  await room.enter(bob, 'b1');
});

const person = { username: 'Ada', role: 'viewer' } as const;
const enter = (connectionId: string, history: { version?: number; turn?: Turn } = {}) =>
  room.store.enter(room.seat(ada, connectionId), { ...person, ...history }, room.now);
const send = (touch: Partial<Touch>, connectionId = 'a1') =>
  room.store.touch(room.seat(ada, connectionId), { kind: 'update', ...touch }, room.now);
const cursor = (position: number) => ({ eventId: 'e', position });
const shown = async () => (await room.users()).find((user) => user.userId === ada)!;

type Sent = Omit<Partial<Touch>, 'turn'>;
const at = (position: number): Sent => ({ kind: 'cursor', cursor: cursor(position) });

/** Frames in the order in which they were sent, and the state after them. */
const bursts: { name: string; frames: Sent[]; result: object }[] = [
  { name: 'cursors', frames: [at(1), at(2), at(3)], result: { cursor: cursor(3) } },
  {
    name: 'cursors of heartbeats, updates and moves',
    frames: [at(1), { kind: 'heartbeat', cursor: cursor(2) }, { cursor: cursor(3) }],
    result: { cursor: cursor(3) },
  },
  {
    name: 'texts',
    frames: [{ activity: 'one' }, { activity: null }, { activity: 'three' }],
    result: { activity: 'three' },
  },
  {
    name: 'statuses',
    frames: [{ status: 'offline' }, { status: 'online' }, { status: 'away' }],
    result: { status: 'away' },
  },
  {
    name: 'fields of one status update',
    frames: [{ status: 'offline' }, at(5), { activity: 'text' }],
    result: { status: 'offline', cursor: cursor(5), activity: 'text' },
  },
  {
    name: 'data, key by key',
    frames: [{ data: { a: 1, b: 1 } }, { data: { a: null, c: 2 } }, { data: { a: 3 } }],
    result: { data: { a: 3, b: 1, c: 2 } },
  },
  {
    name: 'data that a later frame removes',
    frames: [{ data: { a: 1, b: 1 } }, { data: { a: null } }],
    result: { data: { b: 1 } },
  },
  { name: 'away, and then user activity', frames: [{ status: 'away' }, at(5)], result: { status: 'online' } },
  { name: 'user activity, and then away', frames: [at(5), { status: 'away' }], result: { status: 'away' } },
  {
    name: 'invisible, away, and then user activity',
    frames: [{ status: 'offline' }, { status: 'away' }, { activity: 'text' }],
    result: { status: 'online' },
  },
];

function permutations<T>(items: readonly T[]): T[][] {
  if (items.length < 2) return [[...items]];
  return items.flatMap((item, index) => permutations(items.toSpliced(index, 1)).map((rest) => [item, ...rest]));
}

test.each(bursts)('[PR18] the result is the same in each order of handling: $name', async ({ frames, result }) => {
  const numbered = frames.map((frame, index) => ({ ...frame, turn: { order: index + 1 } }));
  for (const served of permutations(numbered)) {
    room = new PresenceFixture(redis);
    await enter('a1', { turn: { order: 0 } });
    for (const touch of served) await send(touch);
    expect([served.map(({ turn }) => turn.order), await shown()]).toEqual([
      served.map(({ turn }) => turn.order),
      expect.objectContaining(result),
    ]);
  }
});

test('[PR18] without `order` the time of receipt decides, and frames with and without `order` are not compared', async () => {
  await send({ activity: 'later', turn: { receivedAt: 1000 } });
  await send({ activity: 'earlier', turn: { receivedAt: 999 } });
  expect((await shown()).activity).toBe('later');
  await send({ activity: 'with order', turn: { order: 5, receivedAt: 990 } });
  expect((await shown()).activity).toBe('with order');
  await send({ activity: 'received', turn: { receivedAt: 1001 } });
  expect((await shown()).activity).toBe('received');
});

test('[PR18] the `order` of one connection does not affect another connection', async () => {
  await enter('a2', { turn: { order: 0 } });
  await send({ activity: 'first tab', turn: { order: 9 } }, 'a1');
  await send({ activity: 'second tab', turn: { order: 1 } }, 'a2');
  expect((await shown()).activity).toBe('second tab');
});

test('[PR18] an outdated status is not stored as the choice of the user', async () => {
  expect((await send({ status: 'offline', turn: { order: 2 } }))!.chosenAt).toEqual(expect.any(Number));
  expect((await send({ status: 'online', turn: { order: 1 } }))!.chosenAt).toBeUndefined();
});

test('[PR18] of a join and a leave, the one with the higher version decides', async () => {
  const leave = (version: number) => room.store.depart(room.seat(ada, 'a1'), 'left', room.now, version);
  expect((await leave(11)).removed).toBe(true);
  await expect(enter('a1', { version: 10 })).rejects.toThrow(Overtaken);
  expect((await room.users()).map(({ userId }) => userId)).toEqual([bob]);
  await enter('a1', { version: 12 });
  await expect(leave(11)).rejects.toThrow(Overtaken);
  expect((await room.users()).map(({ userId }) => userId).sort()).toEqual([ada, bob]);
});

describe('[PR18] a rebuild with an outdated list of the connection table', () => {
  const member = { ...person, userId: ada, connectionId: 'a1', joinedAt: 1 };
  const rebuild = (version: number | undefined, onlyIfLost = false) =>
    room.store.restore(room.sessionId, [{ ...member, version }], room.now, { onlyIfLost });
  const leave = (version: number) => room.store.depart(room.seat(ada, 'a1'), 'left', room.now, version);
  const present = async () => (await room.users()).map(({ userId }) => userId).sort();

  test('does not seat a connection that has left since', async () => {
    await leave(11);
    expect(await rebuild(10)).toMatchObject({ joins: [] });
    expect(await present()).toEqual([bob]);
  });

  test('does not seat it if Redis had forgotten the session before that leave', async () => {
    for (const key of scriptKeys(room.sessionId)) await redis.del(key);
    expect((await leave(11)).removed).toBe(false);
    await rebuild(10, true);
    expect(await present()).not.toContain(ada);
  });

  test('keeps a connection that has joined again since', async () => {
    await leave(11);
    await enter('a1', { version: 12 });
    await rebuild(10);
    expect(await present()).toEqual([ada, bob]);
  });

  test.each([
    ['the last join that Redis knows', 12],
    ['a join that Redis did not hear of', 14],
    ['a join without a version, from an earlier release', undefined],
  ])('seats a connection whose membership is from %s', async (_, version) => {
    await leave(11);
    await enter('a1', { version: 12 });
    await redis.del(presenceKeys.epoch(room.sessionId));
    await rebuild(version, true);
    expect(await present()).toContain(ada);
  });
});

test('[PR18] frames that were sent before a join do not change the stay that begins with it', async () => {
  await room.store.depart(room.seat(ada, 'a1'), 'left', room.now, 1);
  await enter('a1', { version: 2, turn: { order: 7 } });
  await send({ ...at(1), activity: 'before', status: 'offline', turn: { order: 6 } });
  expect(await shown()).toMatchObject({ status: 'online' });
  expect(await shown()).not.toHaveProperty('cursor');
  expect(await shown()).not.toHaveProperty('activity');
});

describe('[PR18] the stored order of a connection', () => {
  const fields = () => redis.hkeys(presenceKeys.orders(room.sessionId));
  const ends = {
    leaves: () => room.store.depart(room.seat(ada, 'a1'), 'left', room.now),
    'loses its socket': () => room.close(ada, 'a1'),
    'is removed': () => room.store.removeFromSession(room.sessionId, ada, 'removed', room.now),
    'times out': async () => {
      room.pass(50);
      await room.heartbeat(bob, 'b1');
      room.pass(50);
      await room.visit();
    },
  };

  test.each(Object.entries(ends))('is deleted if the connection %s', async (_, end) => {
    await send({ ...at(1), turn: { order: 1 } });
    await send({ ...at(2), turn: { receivedAt: 1 } });
    expect((await fields()).sort()).toEqual(['a1', '~a1']);
    await end();
    expect(await fields()).toEqual([]);
  });

  test('is in keys with a time to live', async () => {
    await enter('a1', { version: 3 });
    await send({ ...at(1), turn: { order: 1 } });
    for (const key of [presenceKeys.orders(room.sessionId), presenceKeys.membership(room.sessionId, 'a1')]) {
      expect(await redis.pttl(key)).toBeGreaterThan(0);
    }
  });
});

describe('[PR18] a slot that an outdated join asked for', () => {
  const yielded = (now: number) => room.store.yieldSlot(room.sessionId, ada, now);
  const leave = (at: number) => room.store.depart(room.seat(ada, 'a1'), 'left', at);

  test('is given back by the leave that ends the user’s presence, although that leave was sent before the join', async () => {
    expect(await yielded(room.now + 30)).toBe(true);
    const { departures } = await leave(room.now + 10);
    expect(departures).toMatchObject([{ userId: ada, at: room.now + 10, joinedUntil: room.now + 30 }]);
  });

  test('does not affect a later stay', async () => {
    await yielded(room.now + 30);
    await leave(room.now + 10);
    await enter('a1');
    expect((await leave(room.now + 100)).departures[0]).not.toHaveProperty('joinedUntil');
  });

  test('is given back by the caller if the user is not present or Redis lost the session', async () => {
    await leave(room.now);
    expect(await yielded(room.now)).toBe(false);
    expect(await new PresenceFixture(redis).store.yieldSlot(randomUUID(), ada, room.now)).toBeUndefined();
  });
});

// On a cluster, test/cluster/presence.test.ts counts the commands at the nodes.
if (!isOnCluster()) {
  test('[PR18] the order of a frame, a join or a leave needs no additional command', async () => {
    const wire = await openRedisWire();
    const client = new Redis(wire.url);
    const counted = new PresenceFixture(client);
    const seat = counted.seat(ada, 'a1');
    const [turn, version] = [{ order: 5, receivedAt: counted.now }, 7];
    const commandsOf = async (act: (store: PresenceFixture['store']) => Promise<unknown>) => {
      wire.commands.length = 0;
      await act(counted.store).catch((error: Error) => expect(error).toBeInstanceOf(Overtaken));
      return wire.commands.filter((name) => name !== 'eval').length;
    };
    const plain = { kind: 'update', status: 'away' } as const;
    // The first call of each script also loads it.
    const acts = (order: { turn?: Turn }, count: number | undefined) => [
      (store: PresenceFixture['store']) =>
        store.enter(seat, { ...person, ...order, ...(count === undefined ? {} : { version: count }) }, counted.now),
      (store: PresenceFixture['store']) => store.touch(seat, { ...plain, ...order }, counted.now),
      (store: PresenceFixture['store']) => store.depart(seat, 'left', counted.now, count),
    ];
    for (const act of acts({}, undefined)) await commandsOf(act);
    const without: number[] = [];
    for (const act of acts({}, undefined)) without.push(await commandsOf(act));
    const ordered: number[] = [];
    for (const act of acts({ turn }, version)) ordered.push(await commandsOf(act));
    const overtaken: number[] = [];
    for (const act of acts({ turn: { order: 1 } }, version - 1)) overtaken.push(await commandsOf(act));
    expect(ordered).toEqual(without);
    expect(overtaken).toEqual(without);
    await client.quit();
    await wire.close();
  });
}
