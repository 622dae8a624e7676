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
  for (const key of [presenceKeys.sweeps, presenceKeys.spend, presenceKeys.sweepCall, presenceKeys.dueLease(shard)])
    await redis.del(key);
});
afterEach(() => Promise.all([leases.giveBack(shard, one!), leases.giveBack(shard, other!)]));

describe('the lease of a shard', () => {
  test('[PR10] is held by one sweep, which may renew it', async () => {
    const holds = await Promise.all([one!, other!].map((sweep) => leases.hold(shard, sweep, 0)));
    expect(holds.filter(Boolean)).toHaveLength(1);
    expect(await Promise.all([one!, other!].map((sweep) => leases.hold(shard, sweep, 0)))).toEqual(holds);
  });

  test('is free at once when its holder gives it back, and no other sweep can give it back', async () => {
    await leases.hold(shard, one!, 0);
    await leases.giveBack(shard, other!);
    expect(await leases.hold(shard, other!, 0)).toBe(false);
    await leases.giveBack(shard, one!);
    expect(await leases.hold(shard, other!, 0)).toBe(true);
  });

  test('[PR12] ends within the 5 s that a leave may take after the timeout, if its sweep died', async () => {
    await leases.hold(shard, one!, 0);
    const left = await redis.pttl(presenceKeys.dueLease(shard));
    expect(left).toBeGreaterThan(0);
    expect(left).toBeLessThanOrEqual(leaseMillis);
    // One tick before the lease ends and one tick after it.
    expect(leaseMillis + 2000).toBeLessThan(5000);
  });
});

describe('the roster of sweeps', () => {
  test('lists all sweeps in the same order for each of them', async () => {
    expect((await leases.join(other!, 1000, plenty)).sweeps).toEqual([other]);
    expect((await leases.join(one!, 1500, plenty)).sweeps).toEqual([one, other]);
    expect((await leases.join(other!, 2000, plenty)).sweeps).toEqual([one, other]);
  });

  test('removes a sweep that did not renew its entry or that left', async () => {
    await leases.join(one!, 1000, plenty);
    expect((await leases.join(other!, 1000 + leaseMillis, plenty)).sweeps).toEqual([other]);
    await leases.join(one!, 4000, plenty);
    await leases.leave(one!);
    expect((await leases.join(other!, 4000, plenty)).sweeps).toEqual([other]);
  });

  test('accepts no sweep above the maximum, and keeps the present ones', async () => {
    await leases.join(one!, 1000, 1);
    expect((await leases.join(other!, 1000, 1)).sweeps).toBeUndefined();
    await leases.join(other!, 1000, 2);
    expect((await leases.join(one!, 1000, 1)).sweeps).toEqual([one, other]);
  });
});

test('if many sweeps are behind at the same time, one of them may start another sweep', async () => {
  const calls = await Promise.all(Array.from({ length: 5 }, () => leases.mayCall()));
  expect(calls.filter(Boolean)).toHaveLength(1);
  expect(await redis.pttl(presenceKeys.sweepCall)).toBeGreaterThan(0);
});

test('each shard has its own lease', () => {
  expect(new Set(shardNumbers.map((number) => presenceKeys.dueLease(number))).size).toBe(shardNumbers.length);
});

describe('[CO4] what the sweeps metered together', () => {
  const second = 1000;
  const hour = 3600 * second;
  const start = 500_000 * hour;

  /** Reports so many dollars an hour each second. @returns the last restraint and rate. */
  async function spend(dollarsPerHour: number, from: number, seconds: number, maxDollarsPerHour?: number) {
    const spent = Math.round((dollarsPerHour * 1e6) / 3600);
    let rate = { restraint: 1, dollarsPerHour: 0 };
    for (let at = from; at < from + seconds * second; at += second) {
      ({ rate } = await leases.join(one!, at, plenty, { spent, maxDollarsPerHour }));
    }
    return rate;
  }

  test('is the sum of all sweeps, also of those that do not fit on the roster', async () => {
    await spend(3, start, 60);
    for (let at = start + 60 * second; at < start + 120 * second; at += second) {
      await leases.join(one!, at, 1, { spent: 500 });
      await leases.join(other!, at, 1, { spent: 500 });
    }
    const { rate } = await leases.join(one!, start + 120 * second, 1);
    expect(rate.dollarsPerHour).toBeCloseTo(3.6, 0);
    expect(rate.restraint).toBe(1);
  });

  test('restrains posts if the bound would be exceeded within the hour, and ends that when the rate falls', async () => {
    expect(await spend(4, start, 120, 5)).toMatchObject({ restraint: 1 });
    const near = await spend(20, start + 120 * second, 60, 5);
    expect(near.restraint).toBeGreaterThan(5);
    expect(near.dollarsPerHour).toBeGreaterThan(15);
    expect(await spend(1, start + 180 * second, 600, 5)).toMatchObject({ restraint: 1 });
  });

  test('restrains also a low rate after the bound was spent, and not in the next hour', async () => {
    await spend(100, start, 180, 5);
    expect((await spend(1, start + 180 * second, 60, 5)).restraint).toBeGreaterThan(50);
    expect((await spend(1, start + hour, 600, 5)).restraint).toBe(1);
  });

  test('restrains nothing without a bound', async () => {
    expect(await spend(1000, start, 60)).toMatchObject({ restraint: 1 });
  });
});
