import { randomUUID } from 'node:crypto';
import { Redis } from 'ioredis';
import { handler } from '../../lambdas/handlers/timeout-sweep.ts';
import { redis } from '../../lambdas/platform/redis.ts';
import { shardNumbers, shardOf } from '../../lambdas/presence/deadlines.ts';
import { presenceKeys } from '../../lambdas/presence/keys.ts';
import { deadlines, shardLeases } from '../../lambdas/services/presence.ts';
import { contextWith } from '../adapters/socket-event.ts';
import { testAddresses } from '../support/addresses.ts';
import { scaleLimit } from '../support/time-limits.ts';

jest.mock('../../lambdas/flows/sweep/housekeeping.ts', () => ({
  keepHouse: jest.fn(async () => {}),
  checkLiveness: jest.fn(async () => {}),
  attempt: jest.fn(),
}));
jest.mock('../../lambdas/flows/presence/visit-sessions.ts', () => ({
  retryMillis: 5000,
  refreshMillis: 30_000,
  visitSession: jest.fn(),
}));
jest.mock('../../lambdas/flows/sweep/last-seen-updates.ts', () => ({
  LastSeenUpdates: class {
    add() {}
    write() {}
    async written() {}
  },
}));

const { keepHouse } = jest.requireMock('../../lambdas/flows/sweep/housekeeping.ts');
const { visitSession } = jest.requireMock('../../lambdas/flows/presence/visit-sessions.ts');

/** A Redis database of its own: the leases and the deadlines are the server's, not a session's. */
const url = new URL(testAddresses.redis);
url.pathname = '/15';
let other: Redis;
const gone = { next: undefined, sighted: [] };

beforeAll(() => {
  process.env['REDIS_URL'] = url.href;
  other = new Redis(url.href);
});
beforeEach(async () => {
  jest.clearAllMocks();
  visitSession.mockReset().mockResolvedValue(gone);
  await other.flushdb();
  await deadlines().markWhole();
});
afterAll(async () => {
  await other.flushdb();
  other.disconnect();
  redis().disconnect();
});

const called = (millis = 60_000) => handler({}, contextWith(millis));
const scheduled = (millis = 60_000) => handler({ source: 'aws.events' }, contextWith(millis));
const overloaded = (millis = 60_000) => handler({ cause: 'load' }, contextWith(millis));
const leases = async () => (await other.keys('presence:due:*:lease')).length;
const visited = () => visitSession.mock.calls.map(([sessionId]: [string]) => sessionId);

async function due(many = 1, at = Date.now() - 1): Promise<string[]> {
  const sessionIds = Array.from({ length: many }, () => randomUUID());
  await Promise.all(sessionIds.map((sessionId) => deadlines().schedule(sessionId, at)));
  return sessionIds;
}

test('a sweep ends at once when nobody is present, and leaves the way free', async () => {
  const started = Date.now();
  await called();
  expect(Date.now() - started).toBeLessThan(scaleLimit(900));
  expect(keepHouse).toHaveBeenCalledTimes(1);
  expect(await leases()).toBe(0);
  expect(await other.exists(presenceKeys.sweeps)).toBe(0);
});

test('a sweep that somebody starts while another one runs does nothing', async () => {
  await shardLeases().join('another sweep', Date.now(), 1);
  await due();
  await called();
  expect([keepHouse.mock.calls, visited()]).toEqual([[], []]);
});

test('[PR12] the sweep of the schedule joins those that run, so that no minute has a gap, and keeps house', async () => {
  await shardLeases().join('another sweep', Date.now(), 1);
  await due(20);
  await scheduled(5000);
  expect(keepHouse).toHaveBeenCalledTimes(1);
  expect(visitSession).toHaveBeenCalled();
});

test('[PR12] sweeps that are called because of the load are four with the others, and leave the house alone', async () => {
  for (const name of ['b', 'c', 'd']) await shardLeases().join(name, Date.now() + 60_000, 9);
  await due(20);
  await overloaded(4500);
  expect(keepHouse).not.toHaveBeenCalled();
  expect(visitSession).toHaveBeenCalled();
  visitSession.mockClear();
  for (const name of ['a', 'b', 'c', 'd']) await shardLeases().join(name, Date.now() + 60_000, 9);
  await overloaded(4500);
  expect(visitSession).not.toHaveBeenCalled();
});

test('while somebody is present a sweep looks again each second, until they are gone', async () => {
  const [sessionId] = await due();
  visitSession.mockResolvedValueOnce({ next: Date.now() + 200, sighted: [] });
  const started = Date.now();
  await called();
  expect(visited()).toEqual([sessionId, sessionId]);
  expect(Date.now() - started).toBeGreaterThanOrEqual(990);
  expect(await deadlines().all()).toEqual([]);
});

test('a sweep ends by itself before its function is killed, and gives its shards back', async () => {
  await due(1, Date.now() + 60_000);
  await called(4500);
  expect(await leases()).toBe(0);
  expect(await deadlines().all()).toHaveLength(1);
});

describe('[PR12] two sweeps', () => {
  test('share the sessions, and never visit one at the same time', async () => {
    const sessionIds = await due(400);
    const running = new Set<string>();
    const by = new Map<unknown, Set<string>>();
    visitSession.mockImplementation(async (sessionId: string, _now: number, writer: unknown) => {
      expect(running.has(sessionId)).toBe(false);
      running.add(sessionId);
      by.set(writer, (by.get(writer) ?? new Set()).add(sessionId));
      await new Promise((resolve) => setTimeout(resolve, 20));
      running.delete(sessionId);
      return { next: Date.now() + 300, sighted: [] };
    });
    await Promise.all([scheduled(8000), scheduled(8000)]);
    expect(by.size).toBe(2);
    expect(new Set(visited())).toEqual(new Set(sessionIds));
    const shares = [...by.values()].map((own) => own.size);
    expect(Math.min(...shares)).toBeGreaterThan(100);
    expect(await leases()).toBe(0);
  });

  test('one of which was killed in the middle of its visits: the other one makes them within the bound', async () => {
    const sessionIds = await due(40);
    const killed = 'a killed sweep';
    await shardLeases().join(killed, Date.now(), 9);
    for (const shard of shardNumbers) await shardLeases().hold(shard, killed, Date.now());
    for (const shard of shardNumbers) await deadlines().claim(shard, killed, Date.now(), 100);
    const killedAt = Date.now();
    let lastVisit = 0;
    visitSession.mockImplementation(async () => {
      lastVisit = Date.now();
      return gone;
    });
    await scheduled(9000);
    expect(visited().sort()).toEqual(sessionIds.sort());
    // One tick before it died the killed sweep may have renewed its leases.
    expect(lastVisit - killedAt).toBeLessThan(scaleLimit(4000));
  });
});

test('[PR12] a session that becomes due during its visit is visited once more, after it', async () => {
  const [sessionId] = await due();
  const order: string[] = [];
  visitSession.mockImplementationOnce(async () => {
    order.push('begins');
    await deadlines().schedule(sessionId!, Date.now() - 1);
    await new Promise((resolve) => setTimeout(resolve, 1500));
    order.push('ends');
    return { next: Date.now() + 60_000, sighted: [] };
  });
  visitSession.mockImplementationOnce(async () => {
    order.push('again');
    return gone;
  });
  await called();
  expect(order).toEqual(['begins', 'ends', 'again']);
});

test('[PR12] a sweep that lost a shard to another one leaves it alone', async () => {
  const [sessionId] = await due(1, Date.now() + 1200);
  const lease = presenceKeys.dueLease(shardOf(sessionId!));
  const steal = setInterval(() => void other.set(lease, 'another sweep', 'PX', 10_000), 20);
  await called(6500);
  clearInterval(steal);
  expect(visitSession).not.toHaveBeenCalled();
  expect(await other.get(lease)).toBe('another sweep');
});
