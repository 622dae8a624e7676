import type { Redis } from 'ioredis';
import { presenceKeys } from '../../lambdas/presence/keys.ts';
import { testAddresses } from '../support/addresses.ts';
import { connectRedis, isOnCluster } from '../support/redis.ts';

type Lease = typeof import('../../lambdas/runtime/sweep-lease.ts') & {
  redis: typeof import('../../lambdas/runtime/redis.ts')['redis'];
};

let redis: Redis;
let [one, other]: Lease[] = [];

/** Two environments: each has modules, and so a holder's name, of its own. */
function openLease(): Lease {
  let lease: Lease | undefined;
  jest.isolateModules(() => {
    lease = {
      ...require('../../lambdas/runtime/sweep-lease.ts'),
      redis: require('../../lambdas/runtime/redis.ts').redis,
    };
  });
  return lease!;
}

beforeAll(() => {
  redis = connectRedis();
  // A database of its own where there is one, so that no other test's sweep holds the lease.
  process.env['REDIS_URL'] = isOnCluster() ? testAddresses.redis : `${testAddresses.redis.replace(/\/\d*$/, '')}/15`;
  process.env['REDIS_CLUSTER'] = String(isOnCluster());
  [one, other] = [openLease(), openLease()];
});
afterEach(() => one!.redis().del(presenceKeys.sweepLease));
afterAll(async () => {
  await Promise.all([redis.quit(), one!.redis().quit(), other!.redis().quit()]);
});

test('one sweep holds the lease, and may renew it', async () => {
  expect(await Promise.all([one!.holdLease(), other!.holdLease()])).toHaveLength(2);
  const holds = [await one!.holdLease(), await other!.holdLease()];
  expect(holds.filter(Boolean)).toHaveLength(1);
});

test('a lease given back is free at once, and nobody gives back what another holds', async () => {
  expect(await one!.holdLease()).toBe(true);
  await other!.releaseLease();
  expect(await other!.holdLease()).toBe(false);
  await one!.releaseLease();
  expect(await other!.holdLease()).toBe(true);
});

test('a sweep that died leaves the lease free within seconds', async () => {
  expect(await one!.holdLease()).toBe(true);
  const left = await one!.redis().pttl(presenceKeys.sweepLease);
  expect(left).toBeGreaterThan(0);
  expect(left).toBeLessThanOrEqual(3000);
});
