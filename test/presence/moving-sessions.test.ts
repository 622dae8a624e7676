import type { Redis } from 'ioredis';
import { shardOf } from '../../lambdas/presence/deadlines.ts';
import { presenceKeys } from '../../lambdas/presence/keys.ts';
import { MovingSessions } from '../../lambdas/presence/moving-sessions.ts';
import { PresenceFixture } from '../support/presence.ts';
import { connectRedis } from '../support/redis.ts';

let redis: Redis;
let moving: MovingSessions;
let room: PresenceFixture;

beforeAll(() => {
  redis = connectRedis();
  moving = new MovingSessions(redis);
});
afterAll(() => redis.quit());
beforeEach(async () => {
  room = new PresenceFixture(redis);
  for (const person of [1, 2, 3]) await room.enter(`user-${person}`, `c${person}`);
  room.pass(5);
});

const listed = async () =>
  (await moving.of(shardOf(room.sessionId))).filter(({ sessionId }) => sessionId === room.sessionId);

test('[DE3] a session is in the list of moving sessions from its first promised flush until no cursor moves', async () => {
  await room.cursor('user-1', 'c1', 1);
  expect((await room.cursor('user-2', 'c2', 2))?.promise?.watch).toBe(true);
  await moving.add(room.sessionId, room.now);
  const [session] = await listed();
  expect(session).toEqual({ sessionId: room.sessionId, toldAt: room.now });
  room.pass(1);
  expect((await room.store.keepWatch(room.sessionId, room.now)).moves).toBe(true);
  await room.store.flush(room.sessionId, (await moving.window(room.sessionId))!.promisedAt!, room.now);
  room.pass(3);
  expect((await room.store.keepWatch(room.sessionId, room.now)).moves).toBe(false);
  await moving.drop(session!);
  expect(await listed()).toEqual([]);
});

test('[DE3] a session that is added again while the sweep drops it stays in the list', async () => {
  await moving.add(room.sessionId, room.now);
  const [before] = await listed();
  room.pass(3);
  await moving.add(room.sessionId, room.now);
  await moving.drop(before!);
  expect(await listed()).toEqual([{ sessionId: room.sessionId, toldAt: room.now }]);
});

test('[DE3] a window stores the time of its promised flush until the flush', async () => {
  expect(await moving.window(room.sessionId)).toBeUndefined();
  await room.cursor('user-1', 'c1', 1);
  const { endsAt } = (await room.cursor('user-2', 'c2', 2))!.promise!;
  expect(await moving.window(room.sessionId)).toMatchObject({ endsAt, promisedAt: endsAt });
  room.pass(0.1);
  await room.store.flush(room.sessionId, endsAt, room.now);
  expect(await moving.window(room.sessionId)).toMatchObject({ promisedAt: undefined });
});

test('[DE3] the sweep stops watching a session that Redis lost', async () => {
  await redis.del(presenceKeys.epoch(room.sessionId));
  expect((await room.store.keepWatch(room.sessionId, room.now)).moves).toBe(false);
});

test('the answer to adding a moving session says whether a sweep runs that will watch it', async () => {
  const lease = presenceKeys.dueLease(shardOf(room.sessionId));
  await redis.set(lease, 'a sweep', 'PX', 1000);
  expect(await moving.add(room.sessionId, room.now)).toBe(true);
  await redis.del(lease);
  expect(await moving.add(room.sessionId, room.now)).toBe(false);
});
