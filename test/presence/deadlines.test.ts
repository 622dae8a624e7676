import { randomUUID } from 'node:crypto';
import type { Redis } from 'ioredis';
import { Deadlines, deadlineShards } from '../../lambdas/presence/deadlines.ts';
import { presenceKeys } from '../../lambdas/presence/keys.ts';
import { connectRedis, findKeys } from '../support/redis.ts';

let redis: Redis;
let deadlines: Deadlines;
let sessionId: string;
/** Far from the time of other tests on the same server: what is due here is nobody else's. */
const now = 1_000_000;

beforeAll(() => {
  redis = connectRedis();
});
afterAll(() => redis.quit());
beforeEach(() => {
  deadlines = new Deadlines(redis);
  sessionId = randomUUID();
});
afterEach(async () => {
  for (const due of await deadlines.claim(now + 100_000, 100)) await deadlines.release(due, undefined);
});

const claimed = async (at: number, from = deadlines) => {
  const due = await from.claim(at, 100);
  return due.filter((one) => one.sessionId === sessionId);
};

test('a session is due at its deadline, not before', async () => {
  await deadlines.schedule(sessionId, now + 50);
  expect(await claimed(now + 49)).toEqual([]);
  expect(await claimed(now + 50)).toHaveLength(1);
});

test('an earlier deadline counts, a later one changes nothing', async () => {
  await deadlines.schedule(sessionId, now + 50);
  await deadlines.schedule(sessionId, now + 90);
  await deadlines.schedule(sessionId, now + 20);
  expect(await claimed(now + 19)).toEqual([]);
  expect(await claimed(now + 20)).toHaveLength(1);
});

test('[PR10] of many sweeps exactly one gets a session that is due', async () => {
  await deadlines.schedule(sessionId, now);
  const sweeps = Array.from({ length: 20 }, () => new Deadlines(redis));
  const claims = await Promise.all(sweeps.map((sweep) => claimed(now, sweep)));
  expect(claims.flat()).toHaveLength(1);
});

test('a sweep that dies leaves the session to another, once its claim has run out', async () => {
  await deadlines.schedule(sessionId, now);
  const [first] = await claimed(now);
  expect(await claimed(first!.claim - 1)).toEqual([]);
  expect(await claimed(first!.claim)).toHaveLength(1);
});

test('a release names the next deadline', async () => {
  await deadlines.schedule(sessionId, now);
  const [due] = await claimed(now);
  await deadlines.release(due!, now + 300);
  expect(await claimed(now + 299)).toEqual([]);
  expect(await claimed(now + 300)).toHaveLength(1);
});

test('an earlier deadline that came in during a visit is kept', async () => {
  await deadlines.schedule(sessionId, now);
  const [due] = await claimed(now);
  await deadlines.schedule(sessionId, now + 100);
  await deadlines.release(due!, now + 300);
  expect(await claimed(now + 100)).toHaveLength(1);
});

test('who came during a visit that found nobody is not forgotten', async () => {
  await deadlines.schedule(sessionId, now);
  const [due] = await claimed(now);
  await deadlines.schedule(sessionId, now + 100);
  await deadlines.release(due!, undefined);
  expect(await claimed(now + 100)).toHaveLength(1);
});

test('a visit that found nobody takes the session out of the index', async () => {
  await deadlines.schedule(sessionId, now);
  expect(await deadlines.all()).toContain(sessionId);
  const [due] = await claimed(now);
  await deadlines.release(due!, undefined);
  expect(await deadlines.all()).not.toContain(sessionId);
});

test('the size counts the sessions of all shards', async () => {
  const before = await deadlines.size();
  const sessionIds = Array.from({ length: 40 }, () => randomUUID());
  await Promise.all(sessionIds.map((one) => deadlines.schedule(one, now)));
  expect(await deadlines.size()).toBe(before + 40);
  const shards = await findKeys(redis, 'presence:due:{*}');
  expect(shards.length).toBeGreaterThan(1);
  expect(await deadlines.all()).toEqual(expect.arrayContaining(sessionIds));
});

test('a claim takes no more than it was asked for, and the rest at the next time', async () => {
  const sessionIds: string[] = Array.from({ length: 3 * deadlineShards }, () => randomUUID());
  await Promise.all(sessionIds.map((one) => deadlines.schedule(one, now)));
  const taken: string[] = [];
  for (let round = 0; round < sessionIds.length; round += 1) {
    const due = await deadlines.claim(now, 1);
    expect(due.length).toBeLessThanOrEqual(deadlineShards);
    taken.push(...due.map((one) => one.sessionId));
  }
  expect(taken.filter((one) => sessionIds.includes(one)).sort()).toEqual(sessionIds.sort());
});

test('[FA2] an index of which a shard was lost says so, until it is told to be whole again', async () => {
  await deadlines.markWhole();
  expect(await deadlines.isWhole()).toBe(true);
  await redis.del(`${presenceKeys.due(3)}:mark`);
  expect(await deadlines.isWhole()).toBe(false);
  await deadlines.markWhole();
  expect(await deadlines.isWhole()).toBe(true);
});

test('every key of the index has a time to live', async () => {
  await deadlines.schedule(sessionId, now);
  await deadlines.markWhole();
  const keys = await findKeys(redis, 'presence:due:*');
  for (const key of keys) expect({ key, lives: (await redis.pttl(key)) > 0 }).toEqual({ key, lives: true });
});
