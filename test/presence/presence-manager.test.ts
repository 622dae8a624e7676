import { randomUUID } from 'node:crypto';
import type { Redis } from 'ioredis';
import { presenceKeys } from '../../lambdas/presence/keys.ts';
import { type PresenceEvent, PresenceManager } from '../../lambdas/presence/presence-manager.ts';
import { readTimings } from '../../protocol/timings.ts';
import { connectRedis } from '../support/redis.ts';

const timings = readTimings({});
const cursor = { eventId: 'page-1', position: 42 };
const [alice, bob] = [randomUUID(), randomUUID()];

let redis: Redis;
let elsewhere: Redis;
let sessionId: string;
let now: number;
let lines: string[];
let failures: Error[];
let onFailure: () => void;
let opened: PresenceManager[];

/** A manager with its own state, as in another process. */
function open(connection = redis): PresenceManager {
  const manager = new PresenceManager(connection, {
    timings,
    log: {
      debug: (line) => lines.push(line),
      error: (_, error) => {
        failures.push(error);
        onFailure();
      },
    },
    clock: () => now,
  });
  opened.push(manager);
  return manager;
}

/** Collects events; a test can wait until a number of them has arrived. */
function collector() {
  const events: PresenceEvent[] = [];
  let check = () => {};
  return {
    events,
    take: (event: PresenceEvent) => {
      events.push(event);
      check();
    },
    reached: (count: number) =>
      new Promise<PresenceEvent[]>((resolve) => {
        check = () => events.length >= count && resolve(events);
        check();
      }),
  };
}

/** The connection on which a manager listens; it duplicates the one that it was given. */
async function subscriberOf(manager: PresenceManager): Promise<Redis> {
  const made = jest.spyOn(redis, 'duplicate');
  await manager.subscribeToPresence(randomUUID(), () => {});
  const [result] = made.mock.results;
  made.mockRestore();
  return result!.value as Redis;
}

beforeAll(() => {
  [redis, elsewhere] = [connectRedis(), connectRedis()];
});
afterAll(() => Promise.all([redis.quit(), elsewhere.quit()]));
beforeEach(() => {
  sessionId = randomUUID();
  now = Date.now();
  [lines, failures, opened] = [[], [], []];
  onFailure = () => {};
});
afterEach(() => Promise.all(opened.map((manager) => manager.shutdown())));

test('setPresence makes a user present without a connection, with status, cursor and activity', async () => {
  const manager = open();
  await manager.setPresence(sessionId, alice, 'away', cursor, {
    username: 'Alice',
    role: 'operator',
    activity: 'typing',
  });
  expect(await manager.getOnlineUsers(sessionId)).toMatchObject([
    { userId: alice, username: 'Alice', role: 'operator', status: 'away', cursor, activity: 'typing' },
  ]);
  expect(lines).toContain(`[PresenceManager] Set presence for user ${alice} in session ${sessionId}`);
});

test('setPresence for a connection that never joined changes nothing and says so', async () => {
  const manager = open();
  expect(
    await manager.setPresence(sessionId, alice, 'online', undefined, { connectionId: 'stranger' }),
  ).toBeUndefined();
  expect(await manager.getOnlineUsers(sessionId, { includeOffline: true })).toEqual([]);
});

test('[PR13] getOnlineUsers lists users who are online or away, with includeOffline also offline, and none who has left', async () => {
  const manager = open();
  await manager.setPresence(sessionId, alice, 'online');
  await manager.setPresence(sessionId, bob, 'offline');
  const idsOf = async (includeOffline: boolean) =>
    (await manager.getOnlineUsers(sessionId, { includeOffline })).map((user) => user.userId).sort();
  expect(await idsOf(false)).toEqual([alice]);
  expect(await idsOf(true)).toEqual([alice, bob].sort());
  now += timings.offlineAfterMillis;
  expect(await idsOf(true)).toEqual([]);
});

test('processHeartbeat renews the sign of life, and returns undefined for a user who is not present', async () => {
  const manager = open();
  expect(await manager.processHeartbeat(sessionId, alice)).toBeUndefined();
  await manager.setPresence(sessionId, alice, 'online');
  now += timings.offlineAfterMillis - 1;
  expect(await manager.processHeartbeat(sessionId, alice, cursor)).toBeDefined();
  now += timings.offlineAfterMillis - 1;
  expect(await manager.getOnlineUsers(sessionId)).toMatchObject([{ userId: alice, cursor }]);
  expect(lines).toContain(`[PresenceManager] Heartbeat received from user ${alice}`);
});

test('[PR4] a heartbeat marked idle keeps a user present and lets them become away', async () => {
  const manager = open();
  await manager.setPresence(sessionId, alice, 'online');
  for (let passed = 0; passed < timings.awayAfterMillis; passed += timings.heartbeatMillis) {
    now += timings.heartbeatMillis;
    await manager.processHeartbeat(sessionId, alice, undefined, { idle: true });
  }
  expect(await manager.getOnlineUsers(sessionId)).toMatchObject([{ userId: alice, status: 'away' }]);
});

test('updateCursor moves the cursor and is user activity', async () => {
  const manager = open();
  await manager.setPresence(sessionId, alice, 'away');
  expect(await manager.updateCursor(sessionId, alice, { ...cursor, position: 43 })).toBeDefined();
  expect(await manager.getOnlineUsers(sessionId)).toMatchObject([
    { userId: alice, status: 'online', cursor: { eventId: 'page-1', position: 43 } },
  ]);
});

test('removePresence removes a user, or one of their connections', async () => {
  const manager = open();
  for (const connectionId of ['a1', 'a2']) {
    await manager.enter(sessionId, alice, { connectionId, username: 'Alice', role: 'viewer' });
  }
  expect(await manager.removePresence(sessionId, alice, { connectionId: 'a1' })).toMatchObject({ leaves: [] });
  expect(await manager.getOnlineUsers(sessionId)).toMatchObject([{ userId: alice, connections: 1 }]);
  const removed = await manager.removePresence(sessionId, alice, { cause: 'timeout' });
  expect(removed.leaves).toEqual([{ userId: alice, cause: 'timeout' }]);
  expect(await manager.getOnlineUsers(sessionId, { includeOffline: true })).toEqual([]);
  expect(await redis.exists(presenceKeys.record(sessionId, alice))).toBe(0);
  expect(lines).toContain(`[PresenceManager] User ${alice} timed out after 60s`);
});

test('subscribeToPresence gets each change from another process, in order, of its own session only', async () => {
  const heard = collector();
  await open().subscribeToPresence(sessionId, heard.take);
  const there = open(elsewhere);
  await there.setPresence(randomUUID(), bob, 'online');
  await there.setPresence(sessionId, alice, 'online');
  await there.updateCursor(sessionId, alice, cursor);
  await there.setPresence(sessionId, alice, 'away', undefined, { activity: 'at lunch' });
  await there.removePresence(sessionId, alice);
  const events = await heard.reached(5);
  expect(events.map((event) => event.type)).toEqual(['online', 'cursor', 'activity', 'away', 'offline']);
  for (const event of events) expect(event).toMatchObject({ sessionId, userId: alice, timestamp: now });
  expect(events.map((event) => event.data)).toEqual([
    undefined,
    { cursor },
    { activity: 'at lunch' },
    undefined,
    { cause: 'left' },
  ]);
});

test('a subscriber that unsubscribes gets no more events, and the others of the session still do', async () => {
  const manager = open();
  const [stays, goes] = [collector(), collector()];
  await manager.subscribeToPresence(sessionId, stays.take);
  const unsubscribe = await manager.subscribeToPresence(sessionId, goes.take);
  await open(elsewhere).setPresence(sessionId, alice, 'online');
  await Promise.all([stays.reached(1), goes.reached(1)]);
  await unsubscribe();
  await open(elsewhere).setPresence(sessionId, bob, 'online');
  await stays.reached(2);
  expect(goes.events).toHaveLength(1);
});

test('after the last subscriber of a session has unsubscribed, another one can subscribe', async () => {
  const manager = open();
  await (await manager.subscribeToPresence(sessionId, () => {}))();
  const heard = collector();
  await manager.subscribeToPresence(sessionId, heard.take);
  await open(elsewhere).setPresence(sessionId, alice, 'online');
  expect(await heard.reached(1)).toMatchObject([{ type: 'online', userId: alice }]);
});

test('a callback that throws is logged, and the other callbacks still run', async () => {
  const manager = open();
  const heard = collector();
  await manager.subscribeToPresence(sessionId, () => {
    throw new Error('a bug of the subscriber');
  });
  await manager.subscribeToPresence(sessionId, heard.take);
  await open(elsewhere).setPresence(sessionId, alice, 'online');
  await open(elsewhere).setPresence(sessionId, bob, 'online');
  expect(await heard.reached(2)).toHaveLength(2);
  expect(failures.map((error) => error.message)).toEqual(['a bug of the subscriber', 'a bug of the subscriber']);
});

test('a message that is no event is logged, and the next event is delivered', async () => {
  const heard = collector();
  const failed = new Promise<void>((resolve) => {
    onFailure = resolve;
  });
  await open().subscribeToPresence(sessionId, heard.take);
  await redis.publish(presenceKeys.channel(sessionId), 'not JSON');
  await open(elsewhere).setPresence(sessionId, alice, 'online');
  expect(await heard.reached(1)).toMatchObject([{ type: 'online', userId: alice }]);
  // Two connections published; a cluster does not keep the order between them.
  await failed;
  expect(failures).toHaveLength(1);
});

test('a callback whose subscription failed is not called after another subscription succeeds', async () => {
  const manager = open();
  const [refused, heard] = [collector(), collector()];
  const subscriber = await subscriberOf(manager);
  jest.spyOn(subscriber, 'subscribe').mockRejectedValueOnce(new Error('Redis is away'));
  await expect(manager.subscribeToPresence(sessionId, refused.take)).rejects.toThrow('Redis is away');
  await manager.subscribeToPresence(sessionId, heard.take);
  await open(elsewhere).setPresence(sessionId, alice, 'online');
  await heard.reached(1);
  expect(refused.events).toEqual([]);
});

test('shutdown ends the subscriptions, leaves the given connection open, and may run twice', async () => {
  const manager = open();
  await manager.subscribeToPresence(sessionId, () => {});
  await manager.shutdown();
  await manager.shutdown();
  expect(await redis.ping()).toBe('PONG');
  await manager.setPresence(sessionId, alice, 'online');
  expect(await manager.getOnlineUsers(sessionId)).toHaveLength(1);
});
