import { sizes } from '../../lib/settings.ts';
import { assumed } from '../cost/prices.ts';
import type { CountedLoad } from './loads.ts';

/** Something that gives in when too many users are there at the same time. */
export interface Limit {
  name: string;
  /** How much of it is used by so many users, in the unit of `most`. */
  used: (users: number, load: CountedLoad) => number;
  most: number;
  unit: string;
  /** The setting or the quota to raise, or what else to do. */
  raise: string;
}

const { prod } = sizes;
/** All users arrive within this time, as at the beginning of a working day. */
const arrivalSeconds = 600;
/** A client replaces its connection after this time, on average. */
const rolloverSeconds = 111 * 60;
/** Seconds of CPU, measured on the machine of `docs/benchmarks.md` (`npm run bench -- sweep`). */
const measured = { sweepOfSession: 1.3e-6, sweepOfMoving: 20e-6, postgresOfUser: 1.3e-6, postgresOfJoin: 1e-3 };
/** What may be used of a processor for a long time. */
const usable = 0.7;
/** A function with 1 GB has this part of a processor. Four sweeps share the work. */
const sweepProcessors = 4 * 0.58;
/** A `t4g.medium` has two processors. */
const databaseProcessors = 2;
/** Quotas of a new account and region. */
const quotas = { requests: 10_000, newConnections: 500, runs: 1_000 };

const rooms = (users: number, load: CountedLoad) => users / load.people;
const messages = (users: number, load: CountedLoad) => rooms(users, load) * load.units.messages;
const posts = (users: number, load: CountedLoad) => rooms(users, load) * load.units.posts;
const joins = (users: number) => users / arrivalSeconds;
const cursors = (users: number, load: CountedLoad) => rooms(users, load) * load.movers * load.hertz;
const moving = (users: number, load: CountedLoad) => (load.movers > 0 ? rooms(users, load) : 0);
const waits = (users: number, load: CountedLoad) => rooms(users, load) * load.units.waits;
const cursorRuns = (users: number, load: CountedLoad) => cursors(users, load) * assumed.runSeconds + waits(users, load);

/** The limits of prod, in the order of the path of a frame. */
export const limits: readonly Limit[] = [
  {
    name: 'limit of the stage',
    used: messages,
    most: prod.webSocketThrottle.rateLimit,
    unit: 'messages a second',
    raise: '`webSocketThrottle` in `sizes`, up to the quota of the account',
  },
  {
    name: 'requests of the account',
    used: (users, load) => messages(users, load) + posts(users, load),
    most: quotas.requests,
    unit: 'messages and posts a second',
    raise:
      'the quota "Throttle rate" of API Gateway, and `quotas.requestsPerSecond`; lower it by `BATCH_MILLIS` or `SESSION_POSTS_PER_SECOND`',
  },
  {
    name: 'new connections',
    used: (users) => joins(users) + users / rolloverSeconds,
    most: quotas.newConnections,
    unit: 'a second, if all arrive within ten minutes',
    raise: 'the quota "WebSocket new connections per second" of API Gateway',
  },
  {
    name: 'runs of `cursor`',
    used: cursorRuns,
    most: prod.concurrency!.cursor,
    unit: 'at the same time',
    raise: '`concurrency.cursor` in `sizes`',
  },
  {
    name: 'runs of the account',
    used: (users, load) =>
      messages(users, load) * assumed.runSeconds + waits(users, load) + joins(users) * 3 * assumed.runSeconds,
    most: quotas.runs,
    unit: 'at the same time',
    raise: 'the quota "Concurrent executions" of Lambda, and `quotas.concurrentRuns`',
  },
  {
    name: 'Redis',
    used: (users, load) => assumed.ecpuOfScript * (rooms(users, load) * load.units.scripts + 3 * moving(users, load)),
    most: prod.cache.maximumEcpuPerSecond,
    unit: 'ECPU a second',
    raise: '`cache.maximumEcpuPerSecond` in `sizes`; the cache grows by itself up to it',
  },
  {
    name: 'PostgreSQL',
    used: (users) => users * measured.postgresOfUser + joins(users) * measured.postgresOfJoin,
    most: databaseProcessors * usable,
    unit: 'processors',
    raise: '`database.size` in `sizes`, or an instance of your own',
  },
  {
    name: 'sweep',
    used: (users, load) => rooms(users, load) * measured.sweepOfSession + moving(users, load) * measured.sweepOfMoving,
    most: sweepProcessors * usable,
    unit: 'processors',
    raise: 'more memory for `timeout-sweep` (`routeMemoryMb`), then several deployments with their own sessions',
  },
];

/** The numbers of users in the tables. */
export const userCounts = [100, 1_000, 10_000, 100_000, 1_000_000] as const;

/** The part of a limit that is used, 1 for all of it. */
export const shareOf = (limit: Limit, users: number, load: CountedLoad) => limit.used(users, load) / limit.most;

/** How many users a limit carries, rounded down to two digits; infinite if the load does not use it. */
export function usersAt(limit: Limit, load: CountedLoad): number {
  const exact = 1 / shareOf(limit, 1, load);
  if (exact === Number.POSITIVE_INFINITY) return exact;
  const step = 10 ** Math.max(0, Math.floor(Math.log10(exact)) - 1);
  return Math.floor(exact / step) * step;
}

/** The limit that gives in first. */
export function firstLimit(load: CountedLoad): Limit {
  return limits.reduce((least, limit) => (usersAt(limit, load) < usersAt(least, load) ? limit : least));
}
