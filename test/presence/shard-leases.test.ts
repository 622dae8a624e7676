import { randomUUID } from 'node:crypto';
import type { Redis } from 'ioredis';
import { shardNumbers } from '../../lambdas/presence/deadlines.ts';
import { presenceKeys } from '../../lambdas/presence/keys.ts';
import { leaseMillis, ShardLeases } from '../../lambdas/presence/shard-leases.ts';
import { connectRedis, redisUrl } from '../support/redis.ts';

let redis: Redis;
let leases: ShardLeases;
let [one, other]: string[] = [];
const shard = 5;
const plenty = 100;

beforeAll(() => {
  redis = connectRedis(redisUrl(13));
  leases = new ShardLeases(redis);
});
afterAll(() => redis.quit());
beforeEach(async () => {
  [one, other] = [randomUUID(), randomUUID()].sort();
  for (const key of [presenceKeys.sweeps, presenceKeys.sweepCall, presenceKeys.dueLease(shard)]) await redis.del(key);
});
afterEach(() => Promise.all([leases.giveBack(shard, one!), leases.giveBack(shard, other!)]));

describe('the lease of a shard', () => {
  test('[PR10] is held by one sweep, which may renew it', async () => {
    const holds = await Promise.all([one!, other!].map((sweep) => leases.hold(shard, sweep, 0)));
    expect(holds.filter(Boolean)).toHaveLength(1);
    expect(await Promise.all([one!, other!].map((sweep) => leases.hold(shard, sweep, 0)))).toEqual(holds);
  });

  test('is free at once when it is given back, which only its holder can', async () => {
    await leases.hold(shard, one!, 0);
    await leases.giveBack(shard, other!);
    expect(await leases.hold(shard, other!, 0)).toBe(false);
    await leases.giveBack(shard, one!);
    expect(await leases.hold(shard, other!, 0)).toBe(true);
  });

  test('[PR12] of a sweep that died ends so soon that the next one is within the bound on ghosts', async () => {
    await leases.hold(shard, one!, 0);
    const left = await redis.pttl(presenceKeys.dueLease(shard));
    expect(left).toBeGreaterThan(0);
    expect(left).toBeLessThanOrEqual(leaseMillis);
    // A tick before it and a tick after it.
    expect(leaseMillis + 2000).toBeLessThan(5000);
  });
});

describe('the roster of sweeps', () => {
  test('names all sweeps in the same order to each of them', async () => {
    expect(await leases.join(other!, 1000, plenty)).toEqual([other]);
    expect(await leases.join(one!, 1500, plenty)).toEqual([one, other]);
    expect(await leases.join(other!, 2000, plenty)).toEqual([one, other]);
  });

  test('forgets a sweep that said nothing for a while, or that left', async () => {
    await leases.join(one!, 1000, plenty);
    expect(await leases.join(other!, 1000 + leaseMillis, plenty)).toEqual([other]);
    await leases.join(one!, 4000, plenty);
    await leases.leave(one!);
    expect(await leases.join(other!, 4000, plenty)).toEqual([other]);
  });

  test('takes no more than its most, but keeps those that are there', async () => {
    await leases.join(one!, 1000, 1);
    expect(await leases.join(other!, 1000, 1)).toBeUndefined();
    await leases.join(other!, 1000, 2);
    expect(await leases.join(one!, 1000, 1)).toEqual([one, other]);
  });
});

test('of many sweeps that are behind at one moment one may call another', async () => {
  const calls = await Promise.all(Array.from({ length: 5 }, () => leases.mayCall()));
  expect(calls.filter(Boolean)).toHaveLength(1);
  expect(await redis.pttl(presenceKeys.sweepCall)).toBeGreaterThan(0);
});

test('all shards have a lease of their own', () => {
  expect(new Set(shardNumbers.map((number) => presenceKeys.dueLease(number))).size).toBe(shardNumbers.length);
});
