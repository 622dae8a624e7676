import { configureCleanup } from '../flows/sessions/session-cleanup.ts';
import { database, sweepDatabase } from '../platform/database.ts';
import { log } from '../platform/log.ts';
import { metrics } from '../platform/metrics.ts';
import { once } from '../platform/once.ts';
import { redis } from '../platform/redis.ts';
import { timings } from '../platform/timings.ts';
import type { Services } from '../services/services.ts';
import { SweepQueries } from '../sessions/sweep-queries.ts';
import { activity, activityReader, activityReports, sweepActivity } from './activity.ts';
import { analytics, rollup } from './analytics.ts';
import { checkpoints } from './checkpoints.ts';
import { broadcaster } from './delivery.ts';
import { figures } from './figures.ts';
import { startFunction, sweepFunction } from './functions.ts';
import { inviteKeys } from './invite-keys.ts';
import { liveness, machines } from './liveness.ts';
import { messenger } from './messenger.ts';
import { outbox } from './outbox.ts';
import { deadlines, keyRate, movingSessions, presence, rateLimiter, shardLeases, watchers } from './presence.ts';
import { registry } from './registry.ts';
import { serverKeys } from './server-keys.ts';
import { agentsOn, invites, invitesOn, keysOn, sessionKeys, sessions, sessionsOn } from './sessions.ts';
import { webhookQueue } from './webhook-queue.ts';
import { webhookSweepFunction } from './webhook-sweep-function.ts';

const sweepQueries = once(() => new SweepQueries(database(), sweepDatabase()));
const cleanup = once(() => configureCleanup(services));

/**
 * All services of this execution environment, for functions that need nearly all of them. Each is made at its first use.
 * Other functions compose only those that they need, so that their bundles stay small.
 */
export const services: Services = {
  timings,
  clock: () => Date.now(),
  log,
  metrics,
  get presence() {
    return presence();
  },
  get deadlines() {
    return deadlines();
  },
  get movingSessions() {
    return movingSessions();
  },
  get shardLeases() {
    return shardLeases();
  },
  get rateLimiter() {
    return rateLimiter();
  },
  get redis() {
    return redis();
  },
  get serverKeys() {
    return serverKeys();
  },
  get keyRate() {
    return keyRate();
  },
  get registry() {
    return registry();
  },
  get broadcaster() {
    return broadcaster();
  },
  get messenger() {
    return messenger();
  },
  get sessions() {
    return sessions();
  },
  get invites() {
    return invites();
  },
  get sessionKeys() {
    return sessionKeys();
  },
  sessionsOn,
  keysOn,
  agentsOn,
  invitesOn,
  get inviteKeys() {
    return inviteKeys();
  },
  get cleanup() {
    return cleanup();
  },
  get activity() {
    return activity();
  },
  get sweepActivity() {
    return sweepActivity();
  },
  get activityReader() {
    return activityReader();
  },
  get activityReports() {
    return activityReports();
  },
  get analytics() {
    return analytics();
  },
  get rollup() {
    return rollup();
  },
  get figures() {
    return figures();
  },
  get watchers() {
    return watchers();
  },
  get checkpoints() {
    return checkpoints();
  },
  get outbox() {
    return outbox();
  },
  get webhookQueue() {
    return webhookQueue();
  },
  webhookSweepFunction: webhookSweepFunction(),
  get database() {
    return database();
  },
  get sweepDatabase() {
    return sweepDatabase();
  },
  get sweepQueries() {
    return sweepQueries();
  },
  get liveness() {
    return liveness();
  },
  get machines() {
    return machines();
  },
  sweepFunction: sweepFunction(),
  startFunction,
};
