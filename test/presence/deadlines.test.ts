import { randomUUID } from 'node:crypto';
import type { Redis } from 'ioredis';
import { claimedScore, Deadlines, deadlineShards, shardNumbers, shardOf } from '../../lambdas/presence/deadlines.ts';
import { presenceKeys } from '../../lambdas/presence/keys.ts';
import { ShardLeases } from '../../lambdas/presence/shard-leases.ts';
import { connectRedis, findKeys, redisUrl } from '../support/redis.ts';

let redis: Redis;
let deadlines: Deadlines;
let leases: ShardLeases;
let sessionId: string;
/** The sweep of these tests, which holds all shards. */
const sweep = 'sweep-of-the-deadlines';
/** Far from the times of other tests on the same server, so that no other test claims what is due here. */
const now = 1_000_000;

beforeAll(() => {
  redis = connectRedis(redisUrl(12));
});
afterAll(() => redis.quit());
beforeEach(async () => {
  [deadlines, leases] = [new Deadlines(redis), new ShardLeases(redis)];
  sessionId = randomUUID();
  await takeAllLeases();
});
afterEach(async () => {
  for (const one of await claimAll(now + 100_000)) await deadlines.release(one, sweep, undefined);
  await Promise.all(shardNumbers.map((shard) => leases.giveBack(shard, sweep)));
});

/** Takes the lease of every shard, also from a sweep of another test. */
async function takeAllLeases(holder = sweep): Promise<void> {
  for (const shard of shardNumbers) {
    await redis.del(presenceKeys.dueLease(shard));
    expect(await leases.hold(shard, holder, now)).toBe(true);
  }
}

async function claimAll(at: number, limit = 100, holder = sweep): Promise<string[]> {
  return (await Promise.all(shardNumbers.map((shard) => deadlines.claim(shard, holder, at, limit)))).flat();
}

const claimed = async (at: number, holder = sweep) =>
  (await claimAll(at, 100, holder)).filter((one) => one === sessionId);

test('a session is due at its deadline and not earlier', async () => {
  await deadlines.schedule(sessionId, now + 50);
  expect(await claimed(now + 49)).toEqual([]);
  expect(await claimed(now + 50)).toHaveLength(1);
});

test('a claim tells by how much the oldest deadline is late', async () => {
  // A session of an earlier test may be in the same shard. What is due there is claimed first.
  const shard = shardOf(sessionId);
  await deadlines.claim(shard, sweep, now + 350, 100);
  const late = jest.fn();
  await deadlines.claim(shard, sweep, now, 10, late);
  expect(late).not.toHaveBeenCalled();
  await deadlines.schedule(sessionId, now + 50);
  expect(await deadlines.claim(shard, sweep, now + 350, 10, late)).toEqual([sessionId]);
  expect(late.mock.calls).toEqual([[300]]);
});

test('an earlier deadline replaces the deadline of a session, a later one changes nothing', async () => {
  await deadlines.schedule(sessionId, now + 50);
  await deadlines.schedule(sessionId, now + 90);
  await deadlines.schedule(sessionId, now + 20);
  expect(await claimed(now + 19)).toEqual([]);
  expect(await claimed(now + 20)).toHaveLength(1);
});

test('[PR10] if many claims run at the same time, exactly one gets a session that is due', async () => {
  await deadlines.schedule(sessionId, now);
  const claims = await Promise.all(Array.from({ length: 20 }, () => claimed(now)));
  expect(claims.flat()).toHaveLength(1);
});

test('[PR10] only the sweep that holds the lease of a shard can claim its sessions', async () => {
  await deadlines.schedule(sessionId, now);
  expect(await claimed(now, 'another sweep')).toEqual([]);
  expect(await claimed(now)).toHaveLength(1);
});

test('[PR12] if a sweep dies, its claimed sessions are due for the next holder of the shard', async () => {
  await deadlines.schedule(sessionId, now);
  expect(await claimed(now)).toHaveLength(1);
  expect(await claimed(now + 100_000)).toEqual([]);
  await takeAllLeases('another sweep');
  expect(await claimed(now, 'another sweep')).toHaveLength(1);
  await takeAllLeases();
});

test('[PR10] a sweep that lost its shard during a visit changes nothing more in that shard', async () => {
  await deadlines.schedule(sessionId, now);
  await claimed(now);
  await takeAllLeases('another sweep');
  expect(await claimed(now, 'another sweep')).toHaveLength(1);
  await deadlines.release(sessionId, sweep, now + 5);
  expect(await redis.zscore(presenceKeys.due(shardOf(sessionId)), sessionId)).toBe(String(claimedScore));
  await takeAllLeases();
});

test('the answer to scheduling a visit says whether a sweep runs that will make the visit', async () => {
  expect(await deadlines.schedule(sessionId, now)).toBe(true);
  await leases.giveBack(shardOf(sessionId), sweep);
  expect(await deadlines.schedule(sessionId, now)).toBe(false);
});

test('the release of a session sets its next deadline', async () => {
  await deadlines.schedule(sessionId, now);
  await claimed(now);
  await deadlines.release(sessionId, sweep, now + 300);
  expect(await claimed(now + 299)).toEqual([]);
  expect(await claimed(now + 300)).toHaveLength(1);
});

test('an earlier deadline that was scheduled during a visit is kept', async () => {
  await deadlines.schedule(sessionId, now);
  await claimed(now);
  await deadlines.schedule(sessionId, now + 100);
  await deadlines.release(sessionId, sweep, now + 300);
  expect(await claimed(now + 100)).toHaveLength(1);
});

test('[PR12] a deadline that was scheduled during a visit is kept even if its time has passed', async () => {
  await deadlines.schedule(sessionId, now);
  await claimed(now);
  await deadlines.schedule(sessionId, now - 10);
  await deadlines.release(sessionId, sweep, undefined);
  expect(await claimed(now)).toHaveLength(1);
});

test('a deadline that was scheduled during a visit is kept even if that visit found no user', async () => {
  await deadlines.schedule(sessionId, now);
  await claimed(now);
  await deadlines.schedule(sessionId, now + 100);
  await deadlines.release(sessionId, sweep, undefined);
  expect(await claimed(now + 100)).toHaveLength(1);
});

test('a visit that finds no user removes the session from the index', async () => {
  await deadlines.schedule(sessionId, now);
  expect(await deadlines.all()).toContain(sessionId);
  await claimed(now);
  await deadlines.release(sessionId, sweep, undefined);
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

test('a claim takes at most the given number of sessions, and the next claim takes the rest', async () => {
  const sessionIds: string[] = Array.from({ length: 3 * deadlineShards }, () => randomUUID());
  await Promise.all(sessionIds.map((one) => deadlines.schedule(one, now)));
  const taken: string[] = [];
  for (let round = 0; round < sessionIds.length; round += 1) {
    const due = await claimAll(now, 1);
    expect(due.length).toBeLessThanOrEqual(deadlineShards);
    taken.push(...due);
  }
  expect(taken.filter((one) => sessionIds.includes(one)).sort()).toEqual(sessionIds.sort());
});

test('[FA2] an index that lost a shard is incomplete until it is marked as complete', async () => {
  await deadlines.markComplete();
  expect(await deadlines.isComplete()).toBe(true);
  await redis.del(presenceKeys.dueMark(3));
  expect(await deadlines.isComplete()).toBe(false);
  await deadlines.markComplete();
  expect(await deadlines.isComplete()).toBe(true);
});

test('each key of the deadline index has a time to live', async () => {
  await deadlines.schedule(sessionId, now);
  await deadlines.markComplete();
  const keys = await findKeys(redis, 'presence:due:*');
  for (const key of keys) expect({ key, lives: (await redis.pttl(key)) > 0 }).toEqual({ key, lives: true });
});
