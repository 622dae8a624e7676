import { randomUUID } from 'node:crypto';
import { setTimeout as pause } from 'node:timers/promises';
import { Redis } from 'ioredis';
import { inParallel } from '../../lambdas/platform/in-parallel.ts';
import { Deadlines, shardNumbers } from '../../lambdas/presence/deadlines.ts';
import type { Arrival, Departure } from '../../lambdas/presence/outcome.ts';
import { PresenceStore } from '../../lambdas/presence/presence-store.ts';
import { ShardLeases } from '../../lambdas/presence/shard-leases.ts';
import { startRedis } from '../../local/backing/redis.ts';
import { readTimings } from '../../protocol/timings.ts';
import { type Bench, type Measurement, median, timed } from '../measurement.ts';

const timings = readTimings({});
const inFlight = 50;
const samples = 600;
/** After this many joins, Redis rehashes its keys into a larger table, in small steps with each command. */
const settleMillis = 3000;
const liveSessions = [1, 1000, 100_000];
const dueSessions = [10, 100, 1000];
/** Live sessions that are not due while the sweep searches for due ones. */
const notDue = 20_000;

const seatOf = (sessionId: string, user: number) => ({ sessionId, userId: `user-${user}`, connectionId: `c${user}` });
const person = (user: number) => ({ username: `Person ${user}`, role: 'viewer' as const });

/** Runs the work for each number below `many`, with bounded parallelism. */
async function forEach(many: number, work: (number: number) => Promise<unknown>, atOnce = inFlight): Promise<void> {
  await inParallel([...Array(many).keys()], atOnce, work);
}

function percentile(values: number[], share: number): number {
  return values.toSorted((a, b) => a - b)[Math.floor(share * (values.length - 1))]!;
}

/**
 * A thousand users in twenty sessions. Each moves once a second for five seconds, at their own moment of the second.
 */
async function updates(store: PresenceStore): Promise<Measurement[]> {
  const sessions = Array.from({ length: 20 }, () => randomUUID());
  const seats = Array.from({ length: 1000 }, (_, user) => seatOf(sessions[user % 20]!, user));
  await forEach(1000, (user) => store.enter(seats[user]!, person(user), Date.now()));
  const times: number[] = [];
  const move = async (user: number, position: number) => {
    const cursor = { eventId: 'e01', position };
    times.push(await timed(() => store.touch(seats[user]!, { kind: 'cursor', cursor }, Date.now())));
  };
  const started = performance.now();
  const rounds = 5;
  await Promise.all(
    seats.map(async (_, user) => {
      for (let round = 0; round < rounds; round++) {
        const due = started + 1000 * round + user;
        await new Promise((resolve) => setTimeout(resolve, Math.max(0, due - performance.now())));
        await move(user, round);
      }
    }),
  );
  return [
    { what: 'presence update with 1,000 people, p50', value: percentile(times, 0.5), unit: 'ms' },
    { what: 'presence update with 1,000 people, p95', value: percentile(times, 0.95), unit: 'ms' },
  ];
}

/**
 * The answer to a join in a session of a thousand contains all users. The lower limit of its cost is reading the same
 * bytes in one call: one string for each user from a hash, or all users as one string.
 */
async function snapshot(store: PresenceStore, redis: Redis): Promise<Measurement[]> {
  const sessionId = randomUUID();
  const everybody = 1000;
  const seat = async (user: number) => {
    const { arrival } = await store.enter(seatOf(sessionId, user), person(user), Date.now());
    // The product does this after the join is recorded in the audit trail.
    if (arrival) await store.forget(sessionId, [arrival]);
  };
  await forEach(everybody, seat, 4);
  const newcomer = seatOf(sessionId, everybody);
  const joins: number[] = [];
  const hashReads: number[] = [];
  const textReads: number[] = [];
  const { users } = await store.enter(newcomer, person(everybody), Date.now());
  if (users.length !== everybody + 1) throw new Error(`The snapshot has ${users.length} users.`);
  await redis.set('bench:text', JSON.stringify(users));
  await redis.hset('bench:hash', Object.fromEntries(users.map((user) => [user.userId, JSON.stringify(user)])));
  for (let turn = 0; turn < 30; turn++) {
    const { departures } = await store.depart(newcomer, 'left', Date.now());
    const kept: (Arrival | Departure)[] = [...departures];
    const join = async () => {
      const { arrival } = await store.enter(newcomer, person(everybody), Date.now());
      if (arrival) kept.push(arrival);
    };
    joins.push(await timed(join));
    await store.forget(sessionId, kept);
    hashReads.push(await timed(async () => (await redis.hvals('bench:hash')).map((text) => JSON.parse(text))));
    textReads.push(await timed(async () => JSON.parse((await redis.get('bench:text'))!)));
  }
  const [hash, text] = ['the same people out of one hash, in one call', 'the same people as one text, in one call'];
  const join = { value: median(joins), unit: 'ms' };
  return [
    { what: hash, value: median(hashReads), unit: 'ms' },
    { what: text, value: median(textReads), unit: 'ms' },
    { what: 'join to a room of 1,000, with its snapshot', ...join, comparedWith: hash },
    { what: 'the same join', ...join, comparedWith: text },
  ];
}

/** Heartbeats of one user with a growing number of other sessions. */
async function heartbeats(store: PresenceStore): Promise<Measurement[]> {
  const measurements: Measurement[] = [];
  const nameOf = (many: number) => `heartbeat among ${many.toLocaleString('en')} live sessions`;
  let live = 0;
  for (const many of liveSessions) {
    const seat = seatOf(randomUUID(), 0);
    await forEach(many - live, () => store.enter(seatOf(randomUUID(), 0), person(0), Date.now()), inFlight);
    live = many;
    await pause(settleMillis);
    const times: number[] = [];
    await store.enter(seat, person(0), Date.now());
    for (let beat = 0; beat < samples; beat++) {
      // A tenth of a second apart, to stay below the rate limit.
      const at = Date.now() + beat * 100;
      times.push(await timed(() => store.touch(seat, { kind: 'heartbeat' }, at)));
    }
    const compared = many === liveSessions[0] ? {} : { comparedWith: nameOf(liveSessions[0]!) };
    measurements.push({ what: nameOf(many), value: median(times), unit: 'ms', ...compared });
  }
  return measurements;
}

/** One round of a sweep: it claims due sessions, visits them and sets their next deadlines. */
async function sweeps(store: PresenceStore, redis: Redis): Promise<Measurement[]> {
  const deadlines = new Deadlines(redis);
  const now = Date.now();
  await forEach(notDue, () => deadlines.schedule(randomUUID(), now + 3_600_000), inFlight);
  const measurements: Measurement[] = [];
  const nameOf = (many: number) => `sweep with ${many} of ${(notDue + many).toLocaleString('en')} sessions due`;
  for (const many of dueSessions) {
    const due = Array.from({ length: many }, () => randomUUID());
    await forEach(many, async (index) => {
      await store.enter(seatOf(due[index]!, 0), person(0), now);
      await deadlines.schedule(due[index]!, now);
    });
    const millis = await timed(() => sweepOnce(store, redis, now, many));
    const compared = many === dueSessions[0] ? {} : { comparedWith: nameOf(dueSessions[0]!) };
    measurements.push({ what: nameOf(many), value: millis / many, unit: 'ms per session due', ...compared });
  }
  return measurements;
}

async function sweepOnce(store: PresenceStore, redis: Redis, now: number, expected: number): Promise<void> {
  const [deadlines, leases] = [new Deadlines(redis), new ShardLeases(redis)];
  const holder = 'bench';
  await Promise.all(shardNumbers.map((shard) => leases.hold(shard, holder, now)));
  let visited = 0;
  for (;;) {
    const due = (await Promise.all(shardNumbers.map((shard) => deadlines.claim(shard, holder, now, 50)))).flat();
    if (due.length === 0) break;
    visited += due.length;
    await Promise.all(
      due.map(async (sessionId) => {
        const { nextDeadline } = await store.visit(sessionId, now);
        await deadlines.release(sessionId, holder, nextDeadline);
      }),
    );
  }
  if (visited !== expected) throw new Error(`The sweep visited ${visited} sessions of ${expected}.`);
}

export const bench: Bench = {
  title: 'Presence in Redis: updates, snapshots, heartbeats and sweeps',
  async run() {
    const { url, server } = await startRedis();
    const redis = new Redis(url);
    try {
      const store = new PresenceStore(redis, timings);
      const parts = [() => updates(store), () => snapshot(store, redis), () => sweeps(store, redis)];
      const measurements: Measurement[] = [];
      for (const part of parts) measurements.push(...(await part()));
      return [...measurements, ...(await heartbeats(store))];
    } finally {
      redis.disconnect();
      await server.stop('SIGTERM');
    }
  },
};
