import { Redis } from 'ioredis';
import { cursorPosts } from '../../../lambdas/delivery/cursor-frames.ts';
import { visitSession } from '../../../lambdas/flows/presence/visit-sessions.ts';
import { ServiceSpending } from '../../../lambdas/flows/sweep/service-spending.ts';
import { watchWindows } from '../../../lambdas/flows/sweep/watch-windows.ts';
import { log } from '../../../lambdas/platform/log.ts';
import { Deadlines, shardNumbers } from '../../../lambdas/presence/deadlines.ts';
import { MovingSessions } from '../../../lambdas/presence/moving-sessions.ts';
import { hasNews, type PresenceOutcome } from '../../../lambdas/presence/outcome.ts';
import { PresenceManager } from '../../../lambdas/presence/presence-manager.ts';
import { ShardLeases } from '../../../lambdas/presence/shard-leases.ts';
import type { Services } from '../../../lambdas/services/services.ts';
import { sizes } from '../../../lib/settings.ts';
import { throttlesWithin } from '../../../lib/throttles.ts';
import { TokenBucket } from '../../../local/gateway/token-bucket.ts';
import { readTimings } from '../../../protocol/timings.ts';
import { unitCosts } from '../../../protocol/unit-costs.ts';
import { SeededRandom } from '../../harness/seeded-random.ts';
import { OwnRedis } from '../../support/own-redis.ts';
import { testServices } from '../../support/test-services.ts';

const bound = 5;
const rooms = 20;
const connections = 1000;
const framesPerSecond = 20;
const tick = 50;
const second = 1000;
const timings = readTimings({ MAX_DOLLARS_PER_HOUR: String(bound) });
const limits = throttlesWithin(sizes.prod.webSocketThrottle, timings.maxDollarsPerHour);

let server: OwnRedis;
let redis: Redis;
let services: Services;
let spending: ServiceSpending;
let leases: ShardLeases;
const hour = 3600 * second;
/** The beginning of an hour, because the bound is for each hour of the clock. */
let now = Math.ceil(Date.now() / hour) * hour;
/** Millionths of a dollar, as AWS bills: counted at the gateway, not by the meter. */
let billed = 0;
let posts = 0;
let paces = 0;
const flushes: { at: number; sessionId: string }[] = [];
const cursors = bucket('cursor_update');
const others = new TokenBucket({ rate: limits.stage.rateLimit, burst: limits.stage.burstLimit }, now);
const random = new SeededRandom(7);
const written = {
  write: async (all: { arrivals: object[]; departures: object[] }) => ({
    written: [...all.arrivals, ...all.departures],
  }),
};

function bucket(route: string): TokenBucket {
  const { rateLimit: rate, burstLimit: burst } = limits.routes[route]!;
  return new TokenBucket({ rate, burst }, now);
}

beforeAll(async () => {
  server = await OwnRedis.start();
  redis = new Redis(server.url);
  const bill = (number: number) => {
    posts += number;
    billed += number * unitCosts.posted;
    return { delivered: number, gone: [], failed: [], throttled: 0 };
  };
  services = testServices({
    ...{ timings, clock: () => now, presence: new PresenceManager(redis, { timings, log }) },
    ...{ deadlines: new Deadlines(redis), movingSessions: new MovingSessions(redis) },
    broadcaster: {
      post: async (all: object[]) => bill(all.length),
      broadcast: async (ids: string[], frame: { type: string }) => {
        if (frame.type === 'pace') paces += 1;
        return bill(ids.length);
      },
    },
  });
  leases = new ShardLeases(redis);
  spending = new ServiceSpending(services);
});
afterAll(async () => {
  redis.disconnect();
  await server.kill();
});

const roomOf = (connection: number) => `00000000-0000-4000-8000-${String(connection % rooms).padStart(12, '0')}`;
const seatOf = (connection: number) => {
  return { sessionId: roomOf(connection), userId: `user-${connection}`, connectionId: `c${connection}` };
};

/** Bills what an outcome sends. The flusher of the window flushes it later, on the clock of the test. */
async function tell(sessionId: string, outcome: PresenceOutcome | undefined): Promise<void> {
  if (!outcome) return;
  const sent =
    (outcome.batch ? cursorPosts(sessionId, outcome.batch).length : 0) +
    (hasNews(outcome) ? outcome.receivers.length * outcome.parts : 0);
  posts += sent;
  billed += sent * unitCosts.posted;
  if (!outcome.promise) return;
  flushes.push({ at: outcome.promise.endsAt, sessionId });
  if (outcome.promise.watch) await services.movingSessions.add(sessionId, now);
}

async function join(connection: number): Promise<PresenceOutcome> {
  billed += unitCosts.received + unitCosts.posted;
  const seat = seatOf(connection);
  const outcome = await services.presence.store.enter(seat, { username: 'x', role: 'viewer', compact: true }, now);
  await tell(seat.sessionId, outcome);
  return outcome;
}

/** All connections send as fast as the rate limit allows; what API Gateway refuses costs nothing. */
async function flood(): Promise<void> {
  for (let attempt = 0; attempt < (connections * framesPerSecond * tick) / second; attempt += 1) {
    if (!cursors.take(now)) return;
    billed += unitCosts.received;
    const seat = seatOf(random.below(connections));
    const cursor = { x: random.below(2000), y: random.below(1000) };
    await tell(
      seat.sessionId,
      await services.presence.store.touch(seat, { kind: 'cursor', cursor }, now).catch(() => undefined),
    );
  }
}

async function flushDue(): Promise<void> {
  for (const flush of flushes.filter(({ at }) => at <= now)) {
    flushes.splice(flushes.indexOf(flush), 1);
    await tell(flush.sessionId, await services.presence.store.flush(flush.sessionId, flush.at, now));
  }
}

/** What the sweep does in a tick. */
async function sweep(elapsed: number): Promise<void> {
  if (elapsed % 350 < tick) await watchWindows(services, shardNumbers, () => now, spending);
  if (elapsed % second === 0) {
    const report = { spent: spending.take(), maxDollarsPerHour: timings.maxDollarsPerHour };
    spending.learn((await leases.join('sweep', now, 1, report)).rate);
    const due = (elapsed / second) % 30;
    if (due < rooms) {
      const visit = await visitSession(services, roomOf(due), now, written as never, spending.restraint);
      await spending.note(roomOf(due), visit.spending);
    }
  }
}

test('[CO4] a flood of a thousand connections stays under the bound, and others join and are told to everybody meanwhile', async () => {
  for (let connection = 0; connection < connections; connection += 1) await join(connection);
  const started = now;
  const settle = 120 * second;
  const until = 300 * second;
  let billedBefore = 0;
  let [newcomers, refused, told] = [0, 0, 0];
  let unrestrained = 0;
  for (let elapsed = 0; elapsed < until; elapsed += tick) {
    now = started + elapsed;
    if (elapsed === 20 * second) unrestrained = posts;
    if (elapsed === settle) billedBefore = billed;
    await flood();
    await flushDue();
    await sweep(elapsed);
    if (elapsed > settle && elapsed % (5 * second) === 0) {
      if (!others.take(now)) refused += 1;
      const outcome = await join(connections + newcomers);
      newcomers += 1;
      // Others are told at once, or with the window, which is at most a second long.
      if (hasNews(outcome) || (outcome.promise?.endsAt ?? 0) <= now + second) told += 1;
    }
  }
  const perHour = ((billed - billedBefore) / 1e6) * (hour / (until - settle));
  const inHour = billed / 1e6 + (perHour * (hour - (now % hour))) / hour;
  expect(unrestrained).toBeGreaterThan(0);
  expect({ perHour, isUnder: perHour < bound }).toEqual({ perHour, isUnder: true });
  expect({ inHour, isUnder: inHour < bound * 1.02 }).toEqual({ inHour, isUnder: true });
  // Cursors still arrive, only less often.
  expect(perHour).toBeGreaterThan(bound / 4);
  expect(paces).toBeGreaterThanOrEqual(rooms);
  expect([newcomers, refused, told]).toEqual([35, 0, 35]);
});
