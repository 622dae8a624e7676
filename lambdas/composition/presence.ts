import { serverLimits } from '../../protocol/server-api.ts';
import { log } from '../platform/log.ts';
import { metrics } from '../platform/metrics.ts';
import { once } from '../platform/once.ts';
import { redis } from '../platform/redis.ts';
import { timings } from '../platform/timings.ts';
import { Deadlines } from '../presence/deadlines.ts';
import { MovingSessions } from '../presence/moving-sessions.ts';
import { PresenceManager } from '../presence/presence-manager.ts';
import { RateLimiter } from '../presence/rate-limiter.ts';
import { ShardLeases } from '../presence/shard-leases.ts';
import { Watchers } from '../presence/watchers.ts';

/** Who is present in which session. */
export const presence = once(
  () =>
    new PresenceManager(redis(), {
      timings,
      log: { debug: (message) => log.debug(message), error: (message, error) => log.error(message, error) },
      measured: (millis) => metrics.note('averageLatency', millis),
    }),
);

/** The deadlines of the sessions. */
export const deadlines = once(() => new Deadlines(redis()));

/** The sessions in which cursors move. */
export const movingSessions = once(() => new MovingSessions(redis()));

/** The message rate of each connection. */
export const rateLimiter = once(() => new RateLimiter(redis()));

/** The rate of the requests of each server key. */
export const keyRate = once(
  () =>
    new RateLimiter(redis(), {
      ...{ sender: 'This key', things: 'requests' },
      ...{ perSecond: serverLimits.requestsPerSecond, burst: serverLimits.requestBurst },
    }),
);

/** Which sweep visits which shard of the deadlines. */
export const shardLeases = once(() => new ShardLeases(redis()));

/** The connections that watch the figures of the service. */
export const watchers = once(() => new Watchers(redis()));
