import { randomUUID } from 'node:crypto';
import { Redis } from 'ioredis';
import { watchWindows } from '../../../lambdas/flows/sweep/watch-windows.ts';
import { log } from '../../../lambdas/platform/log.ts';
import { timings } from '../../../lambdas/platform/timings.ts';
import { Deadlines, shardNumbers } from '../../../lambdas/presence/deadlines.ts';
import { presenceKeys } from '../../../lambdas/presence/keys.ts';
import { MovingSessions } from '../../../lambdas/presence/moving-sessions.ts';
import { PresenceManager } from '../../../lambdas/presence/presence-manager.ts';
import type { Services } from '../../../lambdas/services/services.ts';
import { OwnRedis } from '../../support/own-redis.ts';
import { PresenceFixture } from '../../support/presence.ts';
import { testServices } from '../../support/test-services.ts';

/** The connection ids of the receivers of posted cursors. */
const posted: string[] = [];
const post = async (posts: { connectionId: string }[]) => {
  posted.push(...posts.map(({ connectionId }) => connectionId));
  return { delivered: posts.length, gone: [], failed: [], throttled: 0 };
};

let server: OwnRedis;
let redis: Redis;
let deadlines: Deadlines;
let movingSessions: MovingSessions;
let services: Services;
let now: number;

beforeAll(async () => {
  server = await OwnRedis.start();
  redis = new Redis(server.url);
  deadlines = new Deadlines(redis);
  movingSessions = new MovingSessions(redis);
  const presence = new PresenceManager(redis, { timings, log });
  services = testServices({ broadcaster: { post }, presence, deadlines, movingSessions });
});
beforeEach(async () => {
  await redis.flushall();
  posted.length = 0;
  now = Date.now();
});
afterAll(async () => {
  redis.disconnect();
  await server.kill();
});

const spending = { restraint: 1, note: async () => {} };
const watch = () => watchWindows(services, shardNumbers, () => now, spending);
const watched = async () => (await Promise.all(shardNumbers.map((shard) => movingSessions.of(shard)))).flat();

interface Room extends PresenceFixture {
  endsAt?: number;
}

/** A session with two moving users: one cursor was sent, the other waits for the end of its window. */
async function movingRoom(): Promise<Room> {
  const room: Room = new PresenceFixture(redis);
  room.now = now;
  for (const person of ['a', 'b']) await room.enter(person, `${person}-${room.sessionId}`);
  await move(room, 1);
  return room;
}

async function move(room: Room, position: number): Promise<void> {
  room.now = now;
  await room.cursor('a', `a-${room.sessionId}`, position);
  const promise = (await room.cursor('b', `b-${room.sessionId}`, position))?.promise;
  if (!promise) return;
  room.endsAt = promise.endsAt;
  // The flusher does this while it waits.
  if (promise.watch) await movingSessions.add(room.sessionId, now);
}

const flush = (room: Room) => room.store.flush(room.sessionId, room.endsAt!, now);
/** The receivers of the waiting cursors, which are those of user `b`. */
const receiversOf = (rooms: Room[]) => rooms.map(({ sessionId }) => `a-${sessionId}`).sort();

/** How often the server ran each command during the work. */
async function calls(work: () => Promise<unknown>): Promise<Record<string, number>> {
  await redis.config('RESETSTAT');
  await work();
  const stats = await redis.info('commandstats');
  return Object.fromEntries(
    [...stats.matchAll(/^cmdstat_([^:]+):calls=(\d+)/gm)].map(([, name, many]) => [name, +many!]),
  );
}

test('[DE3] the windows of dead flushers are sent once within a second, and no other windows', async () => {
  const rooms = await Promise.all(Array.from({ length: 60 }, movingRoom));
  const dead = rooms.slice(0, 20);
  now += 100;
  for (const room of rooms.slice(20)) await flush(room);
  // A cursor waits at most a second: for its window, for the time allowed to the flusher, and for a check each third of a second.
  now += 50;
  await watch();
  now += 340;
  await watch();
  expect(posted.sort()).toEqual(receiversOf(dead));
  await Promise.all([watch(), watch()]);
  expect(posted).toHaveLength(dead.length);
});

test('[DE3] [PR12] a session with moving cursors costs one read per check and no visit', async () => {
  const rooms = await Promise.all(Array.from({ length: 50 }, movingRoom));
  const looks = 40;
  let [reads, scripts] = [0, 0];
  for (let look = 0; look < looks; look += 1) {
    now += 100;
    for (const room of rooms) await flush(room);
    now += 400;
    for (const room of rooms) await move(room, look);
    const stats = await calls(watch);
    reads += stats['hmget'] ?? 0;
    scripts += (stats['eval'] ?? 0) + (stats['evalsha'] ?? 0);
  }
  // Each check is one read. Every five seconds a script runs, which reads five times more.
  expect(scripts).toBeLessThanOrEqual(rooms.length * Math.ceil((looks * 500) / 4500));
  expect(reads - 5 * scripts).toBeLessThanOrEqual(rooms.length * looks);
  expect(await deadlines.size()).toBe(0);
  expect(await watched()).toHaveLength(rooms.length);
});

test('[DE3] when no cursor moves, the sweep stops watching the session, and starts again when a cursor asks for it', async () => {
  const room = await movingRoom();
  now += 100;
  await flush(room);
  now += 2500;
  await watch();
  expect(await watched()).toEqual([]);
  await move(room, 2);
  expect(await watched()).toHaveLength(1);
});

test('[DE3] [FA2] a session whose window or whole state Redis lost is visited at once', async () => {
  const [withoutWindow, forgotten] = [await movingRoom(), await movingRoom()];
  await redis.del(presenceKeys.window(withoutWindow.sessionId));
  await redis.del(presenceKeys.epoch(forgotten.sessionId));
  now += 300;
  await watch();
  expect((await deadlines.all()).sort()).toEqual([withoutWindow.sessionId, forgotten.sessionId].sort());
  expect(await watched()).toEqual([]);
});

test('an unknown session is removed from the list of moving sessions', async () => {
  await movingSessions.add(randomUUID(), now);
  await watch();
  expect(await watched()).toEqual([]);
});

test('[DE3] a session whose window cannot be read is told, and the windows of the others are sent', async () => {
  const failed = jest.spyOn(services.log, 'error').mockImplementation(() => {});
  const rooms = await Promise.all(Array.from({ length: 5 }, movingRoom));
  const [broken, ...well] = rooms;
  const window = presenceKeys.window(broken!.sessionId);
  await redis.del(window);
  await redis.set(window, 'a value of the wrong type');
  now += 490;
  await watch();
  expect(posted.sort()).toEqual(receiversOf(well));
  expect(failed.mock.calls).toEqual([[expect.any(String), expect.objectContaining({ sessionId: broken!.sessionId })]]);
  // It is not read again until a cursor moves.
  await watch();
  expect(failed).toHaveBeenCalledTimes(1);
  failed.mockRestore();
});
