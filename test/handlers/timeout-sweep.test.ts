import { randomUUID } from 'node:crypto';
import { Redis } from 'ioredis';
import { timeoutSweep } from '../../lambdas/handlers/timeout-sweep.ts';
import { Deadlines, shardNumbers, shardOf } from '../../lambdas/presence/deadlines.ts';
import { presenceKeys } from '../../lambdas/presence/keys.ts';
import { MovingSessions } from '../../lambdas/presence/moving-sessions.ts';
import { ShardLeases } from '../../lambdas/presence/shard-leases.ts';
import { contextWith } from '../adapters/socket-event.ts';
import { redisUrl } from '../support/redis.ts';
import { testServices } from '../support/test-services.ts';
import { expectWithin } from '../support/time-limits.ts';

/** The suite has its own Redis database, because leases and deadlines belong to no session. */
const url = redisUrl(15);
let redis: Redis;
let other: Redis;
let deadlines: Deadlines;
let shardLeases: ShardLeases;

/** The first step of the work of each minute. */
const runExpiry = jest.fn(async () => {});
type Visit = (sessionId: string, now: number) => Promise<{ nextDeadline: number | undefined }>;
const visit = jest.fn<ReturnType<Visit>, Parameters<Visit>>();
/** The result of a visit that announces nothing. */
const quiet = {
  ...{ epoch: 'e', seq: 1, parts: 1, joins: [], updates: [], leaves: [], receivers: [] },
  ...{ arrivals: [], departures: [], lastSeen: [], moves: false },
  spending: { received: 0, sent: 0, pace: undefined },
};
const [nothing, none] = [async () => {}, async () => []];
const gone = { ...quiet, nextDeadline: undefined };

/** Services with real deadlines and leases in Redis, and visits by the test. */
const servicesWith = (visitOfSweep: Visit = visit) =>
  testServices({
    ...{ deadlines, shardLeases, movingSessions: new MovingSessions(redis) },
    presence: { store: { visit: visitOfSweep, forget: nothing } },
    ...{
      cleanup: { runExpiry },
      sweepActivity: { replayOutbox: nothing, sealChains: nothing },
      rollup: { run: nothing },
    },
    ...{ sweepDatabase: { query: async () => ({ rows: [] }) }, sweepQueries: { silentParticipants: none } },
  });

beforeAll(() => {
  redis = new Redis(url);
  other = new Redis(url);
  deadlines = new Deadlines(redis);
  shardLeases = new ShardLeases(redis);
});
beforeEach(async () => {
  jest.clearAllMocks();
  visit.mockReset().mockResolvedValue(gone);
  await other.flushdb();
  await deadlines.markComplete();
});
afterAll(async () => {
  await other.flushdb();
  other.disconnect();
  redis.disconnect();
});

const sweep = (event: object, millis: number, visitOfSweep = visit as Visit) =>
  timeoutSweep(servicesWith(visitOfSweep))(event, contextWith(millis));
const called = (millis = 60_000) => sweep({}, millis);
const scheduled = (millis = 60_000, visitOfSweep?: Visit) => sweep({ source: 'aws.events' }, millis, visitOfSweep);
const overloaded = (millis = 60_000) => sweep({ cause: 'load' }, millis);
const leases = async () => (await other.keys('presence:due:*:lease')).length;
const visited = () => visit.mock.calls.map(([sessionId]) => sessionId);

async function due(many = 1, at = Date.now() - 1): Promise<string[]> {
  const sessionIds = Array.from({ length: many }, () => randomUUID());
  await Promise.all(sessionIds.map((sessionId) => deadlines.schedule(sessionId, at)));
  return sessionIds;
}

/** Makes one session in each shard due, so that each sweep that holds a shard has a visit. */
async function dueInEachShard(): Promise<void> {
  const byShard = new Map<number, string>();
  while (byShard.size < shardNumbers.length) {
    const sessionId = randomUUID();
    byShard.set(shardOf(sessionId), sessionId);
  }
  await Promise.all([...byShard.values()].map((sessionId) => deadlines.schedule(sessionId, Date.now() - 1)));
}

test('a sweep ends at once if no user is present, and holds no lease afterwards', async () => {
  const started = Date.now();
  await called();
  await expectWithin(Date.now() - started, 900);
  expect(runExpiry).toHaveBeenCalledTimes(1);
  expect(await leases()).toBe(0);
  expect(await other.exists(presenceKeys.sweeps)).toBe(0);
});

test('a sweep that is started while another one runs does nothing', async () => {
  await shardLeases.join('another sweep', Date.now(), 1);
  await due();
  await called();
  expect([runExpiry.mock.calls, visited()]).toEqual([[], []]);
});

test('[PR12] the scheduled sweep joins the running ones, so that sweeps overlap, and does the work of each minute', async () => {
  await shardLeases.join('another sweep', Date.now(), 1);
  await dueInEachShard();
  await scheduled(5000);
  expect(runExpiry).toHaveBeenCalledTimes(1);
  expect(visit).toHaveBeenCalled();
});

test('[PR12] at most four sweeps run under load, and the additional ones skip the work of each minute', async () => {
  for (const name of ['b', 'c', 'd']) await shardLeases.join(name, Date.now() + 60_000, 9);
  await dueInEachShard();
  await overloaded(4500);
  expect(runExpiry).not.toHaveBeenCalled();
  expect(visit).toHaveBeenCalled();
  visit.mockClear();
  for (const name of ['a', 'b', 'c', 'd']) await shardLeases.join(name, Date.now() + 60_000, 9);
  await overloaded(4500);
  expect(visit).not.toHaveBeenCalled();
});

test('while a user is present, a sweep makes a round each second until they have left', async () => {
  const [sessionId] = await due();
  visit.mockResolvedValueOnce({ ...quiet, nextDeadline: Date.now() + 200 });
  const started = Date.now();
  await called();
  expect(visited()).toEqual([sessionId, sessionId]);
  expect(Date.now() - started).toBeGreaterThanOrEqual(990);
  expect(await deadlines.all()).toEqual([]);
});

test('a sweep ends before the time-out of its function and gives back its shards', async () => {
  await due(1, Date.now() + 60_000);
  await called(4500);
  expect(await leases()).toBe(0);
  expect(await deadlines.all()).toHaveLength(1);
});

describe('[PR12] two sweeps', () => {
  test('share the sessions and never visit the same one at the same time', async () => {
    const sessionIds = await due(400);
    const running = new Set<string>();
    const visitAs = (own: Set<string>) => async (sessionId: string) => {
      expect(running.has(sessionId)).toBe(false);
      running.add(sessionId);
      own.add(sessionId);
      await new Promise((resolve) => setTimeout(resolve, 20));
      running.delete(sessionId);
      return { ...quiet, nextDeadline: Date.now() + 300 };
    };
    const by = [new Set<string>(), new Set<string>()];
    await Promise.all(by.map((own) => scheduled(8000, visitAs(own))));
    expect(new Set(by.flatMap((own) => [...own]))).toEqual(new Set(sessionIds));
    expect(Math.min(...by.map((own) => own.size))).toBeGreaterThan(100);
    expect(await leases()).toBe(0);
  });

  test('complete each other: if one is killed during its visits, the other makes them within the bound', async () => {
    const sessionIds = await due(40);
    const killed = 'a killed sweep';
    await shardLeases.join(killed, Date.now(), 9);
    for (const shard of shardNumbers) await shardLeases.hold(shard, killed, Date.now());
    for (const shard of shardNumbers) await deadlines.claim(shard, killed, Date.now(), 100);
    const killedAt = Date.now();
    let lastVisit = 0;
    visit.mockImplementation(async () => {
      lastVisit = Date.now();
      return gone;
    });
    await scheduled(9000);
    expect(visited().sort()).toEqual(sessionIds.sort());
    // The killed sweep may have renewed its leases one tick before its end.
    await expectWithin(lastVisit - killedAt, 4000);
  });
});

test('[PR12] a session that becomes due during its visit is visited again afterwards', async () => {
  const [sessionId] = await due();
  const order: string[] = [];
  visit.mockImplementationOnce(async () => {
    order.push('begins');
    await deadlines.schedule(sessionId!, Date.now() - 1);
    await new Promise((resolve) => setTimeout(resolve, 1500));
    order.push('ends');
    return { ...quiet, nextDeadline: Date.now() + 60_000 };
  });
  visit.mockImplementationOnce(async () => {
    order.push('again');
    return gone;
  });
  await called();
  expect(order).toEqual(['begins', 'ends', 'again']);
});

test('[PR12] a sweep that lost a shard to another sweep changes nothing in it', async () => {
  const [sessionId] = await due(1, Date.now() + 1200);
  const lease = presenceKeys.dueLease(shardOf(sessionId!));
  const steal = setInterval(() => void other.set(lease, 'another sweep', 'PX', 10_000), 20);
  await called(6500);
  clearInterval(steal);
  expect(visit).not.toHaveBeenCalled();
  expect(await other.get(lease)).toBe('another sweep');
});
