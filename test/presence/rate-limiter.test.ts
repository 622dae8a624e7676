import { randomUUID } from 'node:crypto';
import type { Redis } from 'ioredis';
import { RateLimiter } from '../../lambdas/presence/rate-limiter.ts';
import { connectRedis } from '../support/redis.ts';
import { openRedisWire } from '../support/redis-wire.ts';

let redis: Redis;
beforeAll(() => {
  redis = connectRedis();
});
afterAll(() => redis.quit());

const start = 1_800_000_000_000;

test('sixty messages are accepted at once, then twenty per second', async () => {
  const limiter = new RateLimiter(redis);
  const connection = randomUUID();
  for (let message = 0; message < 60; message += 1) await limiter.count(connection, start);
  await expect(limiter.count(connection, start)).rejects.toMatchObject({ code: 'RATE_LIMITED', retryAfterMillis: 50 });
  await expect(limiter.count(connection, start + 49)).rejects.toMatchObject({ retryAfterMillis: 1 });
  await limiter.count(connection, start + 50);
  for (let message = 0; message < 19; message += 1) await limiter.count(connection, start + 1000);
  await expect(limiter.count(connection, start + 1000)).rejects.toMatchObject({ code: 'RATE_LIMITED' });
});

test('each connection has its own count, which needs one round trip', async () => {
  const wire = await openRedisWire();
  const client = connectRedis(wire.url);
  const limiter = new RateLimiter(client);
  await limiter.count(randomUUID(), start);
  wire.commands.length = 0;
  const busy = randomUUID();
  for (let message = 0; message < 60; message += 1) await limiter.count(busy, start);
  await limiter.count(randomUUID(), start);
  expect(wire.commands).toHaveLength(61);
  await client.quit();
  await wire.close();
});

test('the count of a silent connection expires', async () => {
  const connection = randomUUID();
  await new RateLimiter(redis).count(connection, start);
  expect(await redis.pttl(`presence:rate:{${connection}}`)).toBeGreaterThan(0);
});

test('a clock that was ten minutes ahead refuses nothing afterwards, and clocks that differ by a second do not lift the limit', async () => {
  const limiter = new RateLimiter(redis);
  const connection = randomUUID();
  for (let message = 0; message < 60; message += 1) await limiter.count(connection, start + 600_000);
  for (let message = 0; message < 60; message += 1) await limiter.count(connection, start);
  await expect(limiter.count(connection, start)).rejects.toMatchObject({ code: 'RATE_LIMITED' });
  let accepted = 0;
  for (let message = 0; message < 200; message += 1) {
    const wrong = message % 2 === 0 ? start : start - 1000;
    await limiter.count(connection, wrong).then(
      () => accepted++,
      () => {},
    );
  }
  expect(accepted).toBe(0);
});
