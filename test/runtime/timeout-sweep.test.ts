import { randomUUID } from 'node:crypto';
import { Redis } from 'ioredis';
import { presenceKeys } from '../../lambdas/presence/keys.ts';
import { deadlines } from '../../lambdas/runtime/presence.ts';
import { redis } from '../../lambdas/runtime/redis.ts';
import { holdLease, releaseLease } from '../../lambdas/runtime/sweep-lease.ts';
import { handler } from '../../lambdas/timeout-sweep.ts';
import { testAddresses } from '../support/addresses.ts';
import { contextWith } from './socket-event.ts';

jest.mock('../../lambdas/flows/housekeeping.ts', () => ({
  keepHouse: jest.fn(async () => {}),
  checkLiveness: jest.fn(async () => {}),
  attempt: jest.fn(),
}));
jest.mock('../../lambdas/flows/sightings.ts', () => ({ writeSightings: jest.fn(async () => {}) }));
jest.mock('../../lambdas/flows/visit-sessions.ts', () => ({ visitDueSessions: jest.fn(async () => []) }));

const { keepHouse } = jest.requireMock('../../lambdas/flows/housekeeping.ts');
const { visitDueSessions } = jest.requireMock('../../lambdas/flows/visit-sessions.ts');

/** A Redis database of its own: the lease and the deadlines are the server's, not a session's. */
const url = new URL(testAddresses.redis);
url.pathname = '/15';
let other: Redis;

beforeAll(() => {
  process.env['REDIS_URL'] = url.href;
  other = new Redis(url.href);
});
beforeEach(async () => {
  jest.clearAllMocks();
  await other.flushdb();
  await deadlines().markWhole();
});
afterAll(async () => {
  await other.flushdb();
  other.disconnect();
  redis().disconnect();
});

const sweep = (millis = 60_000) => handler({}, contextWith(millis));
const scheduledSweep = (millis = 60_000) => handler({ source: 'aws.events' }, contextWith(millis));
const lease = presenceKeys.sweepLease;

test('a sweep ends at once when nobody is present, and leaves the way free', async () => {
  const started = Date.now();
  await sweep();
  expect(Date.now() - started).toBeLessThan(900);
  expect(keepHouse).toHaveBeenCalledTimes(1);
  expect(visitDueSessions).toHaveBeenCalledTimes(1);
  expect(await other.exists(lease)).toBe(0);
});

test('a sweep ends at once while another one runs, and does nothing', async () => {
  await other.set(lease, 'another environment', 'PX', 10_000);
  await sweep();
  expect([keepHouse.mock.calls, visitDueSessions.mock.calls]).toEqual([[], []]);
  expect(await other.get(lease)).toBe('another environment');
});

test('[PR12] a sweep of the schedule succeeds the one that runs, which may end in the middle of a minute', async () => {
  await other.set(lease, 'another environment', 'PX', 1500);
  await scheduledSweep();
  expect(keepHouse).toHaveBeenCalledTimes(1);
  expect(visitDueSessions).toHaveBeenCalledTimes(1);
  expect(await other.exists(lease)).toBe(0);
});

test('a sweep of the schedule that finds no end of the one that runs does nothing', async () => {
  await other.set(lease, 'another environment', 'PX', 10_000);
  await scheduledSweep(4500);
  expect([keepHouse.mock.calls, visitDueSessions.mock.calls]).toEqual([[], []]);
});

test('while somebody is present a sweep looks again each second, until they are gone', async () => {
  const sessionId = randomUUID();
  await deadlines().schedule(sessionId, Date.now() + 60_000);
  visitDueSessions.mockImplementation(async () => {
    if (visitDueSessions.mock.calls.length >= 2) await deadlines().release({ sessionId, claim: 0 }, undefined);
    return [];
  });
  const started = Date.now();
  await sweep();
  expect(visitDueSessions).toHaveBeenCalledTimes(2);
  expect(Date.now() - started).toBeGreaterThanOrEqual(990);
});

test('a sweep ends by itself before its function is killed', async () => {
  await deadlines().schedule(randomUUID(), Date.now() + 60_000);
  visitDueSessions.mockResolvedValue([]);
  await sweep(4500);
  expect(visitDueSessions).toHaveBeenCalledTimes(1);
  expect(await other.exists(lease)).toBe(0);
});

test('a sweep that lost its lease to another one stops', async () => {
  await deadlines().schedule(randomUUID(), Date.now() + 60_000);
  visitDueSessions.mockImplementation(async () => {
    await other.set(lease, 'another environment', 'PX', 10_000);
    return [];
  });
  await sweep();
  expect(visitDueSessions).toHaveBeenCalledTimes(1);
  expect(await other.get(lease)).toBe('another environment');
});

describe('the lease', () => {
  test('is taken, renewed by its holder and given back', async () => {
    expect(await holdLease()).toBe(true);
    await other.pexpire(lease, 100);
    expect(await holdLease()).toBe(true);
    expect(await other.pttl(lease)).toBeGreaterThan(1000);
    await releaseLease();
    expect(await other.exists(lease)).toBe(0);
  });

  test('of another holder is neither taken nor given back, and runs out by itself', async () => {
    await other.set(lease, 'another environment', 'PX', 10_000);
    expect(await holdLease()).toBe(false);
    await releaseLease();
    expect(await other.get(lease)).toBe('another environment');
    await other.del(lease);
    expect(await holdLease()).toBe(true);
    expect(await other.pttl(lease)).toBeLessThanOrEqual(3000);
  });
});
