import type { Cluster, Redis } from 'ioredis';
import type { Timings } from '../../protocol/timings.ts';
import type { ActivityLogger } from '../activity/activity-logger.ts';
import type { ActivityOutbox } from '../activity/activity-outbox.ts';
import type { CheckpointReader } from '../activity/checkpoint-reader.ts';
import type { AnalyticsReports } from '../analytics/reports.ts';
import type { AnalyticsRollup } from '../analytics/rollup.ts';
import type { ConnectionRegistry } from '../connections/connection-registry.ts';
import type { Broadcaster } from '../delivery/broadcaster.ts';
import type { FigureStore } from '../figures/figure-store.ts';
import type { ActivityCache } from '../liveness/activity-cache.ts';
import type { MachineManager } from '../machines/machine-manager.ts';
import type { Database, Queryable } from '../platform/database.ts';
import type { log } from '../platform/log.ts';
import type { Meter } from '../platform/meter.ts';
import type { Deadlines } from '../presence/deadlines.ts';
import type { MovingSessions } from '../presence/moving-sessions.ts';
import type { PresenceManager } from '../presence/presence-manager.ts';
import type { RateLimiter } from '../presence/rate-limiter.ts';
import type { ShardLeases } from '../presence/shard-leases.ts';
import type { Watchers } from '../presence/watchers.ts';
import type { ServerKeys } from '../server-keys/server-keys.ts';
import type { AgentSlots } from '../sessions/agent-slots.ts';
import type { SessionCleanupService } from '../sessions/session-cleanup-service.ts';
import type { SessionInvites } from '../sessions/session-invites.ts';
import type { SessionKeys } from '../sessions/session-keys.ts';
import type { SessionManager } from '../sessions/session-manager.ts';
import type { SweepQueries } from '../sessions/sweep-queries.ts';
import type { WebhookQueue } from '../webhooks/webhook-queue.ts';

/**
 * All services of the use cases: stores, delivery, clock and log. A use case takes them as its first argument. The
 * composition root makes them; a test passes its own.
 */
export interface Services {
  readonly timings: Timings;
  /** Unix milliseconds. */
  readonly clock: () => number;
  readonly log: Pick<typeof log, 'debug' | 'info' | 'warn' | 'error'>;
  /** What the functions measure. An adapter writes it at the end of an invocation. */
  readonly metrics: Meter;

  /** Who is present in which session. */
  readonly presence: PresenceManager;
  /** The deadlines of the sessions. */
  readonly deadlines: Deadlines;
  /** The sessions in which cursors move. */
  readonly movingSessions: MovingSessions;
  /** Which sweep visits which shard of the deadlines. */
  readonly shardLeases: ShardLeases;
  readonly rateLimiter: RateLimiter;
  /** The connections that watch the figures of the service. */
  readonly watchers: Watchers;
  readonly redis: Redis | Cluster;

  /** The keys of the server API. */
  readonly serverKeys: ServerKeys;
  /** How often each of them is used. */
  readonly keyRate: RateLimiter;

  /** The open connections and their memberships. */
  readonly registry: ConnectionRegistry;

  /** Sends frames to many connections, with one small signed request for each. */
  readonly broadcaster: Broadcaster;
  /** Sends rare frames to single connections, through the official client. */
  readonly messenger: Broadcaster;

  readonly sessions: SessionManager;
  readonly invites: SessionInvites;
  /** The sessions by the keys of the application. */
  readonly sessionKeys: SessionKeys;
  /** The sessions on one database connection, so that several calls share a transaction. */
  sessionsOn(queryable: Queryable): SessionManager;
  /** The same for sessions by their keys. */
  keysOn(queryable: Queryable): SessionKeys;
  /** The same for the slots of agents. */
  agentsOn(queryable: Queryable): AgentSlots;
  /** The same for invites. */
  invitesOn(queryable: Queryable, manager: SessionManager): SessionInvites;
  /** The secrets that sign invites, newest first. */
  readonly inviteKeys: () => Promise<readonly Uint8Array[]>;
  readonly cleanup: SessionCleanupService;

  /** The audit trail, for functions that answer a request. */
  readonly activity: ActivityLogger;
  /** The audit trail, for scheduled work, whose statements may take longer. */
  readonly sweepActivity: ActivityLogger;
  /** The audit trail, for functions that only read it. It does not use the outbox, so they need no permission for it. */
  readonly activityReader: ActivityLogger;
  /** The audit trail, for queries over all entries of a session, which may take seconds. */
  readonly activityReports: ActivityLogger;
  /** The acknowledged activities that wait for PostgreSQL. */
  readonly outbox: ActivityOutbox;

  /** The counts over all sessions, for functions that read them. */
  readonly analytics: AnalyticsReports;
  /** Keeps these counts. */
  readonly rollup: AnalyticsRollup;
  /** The figures of the dashboard. */
  readonly figures: FigureStore;

  /** The checkpoints of the audit trail. */
  readonly checkpoints: CheckpointReader;

  /** The deliveries of webhooks. */
  readonly webhookQueue: WebhookQueue;
  /** The name of the function that sends webhooks; undefined for functions that may not start it. */
  readonly webhookSweepFunction: string | undefined;

  readonly database: Database;
  /** The database, for scheduled work, whose statements may take ten seconds. */
  readonly sweepDatabase: Database;
  /** The queries of the sweep about participants. */
  readonly sweepQueries: SweepQueries;

  /** The liveness cache. Its queue must be flushed before the invocation ends (rule LC3). */
  readonly liveness: ActivityCache;
  readonly machines: MachineManager;

  /** The name of the function that sweeps; undefined for functions that may not start it. */
  readonly sweepFunction: string | undefined;
  /** Starts a function and does not wait for its end. */
  startFunction(name: string, event: object): Promise<void>;
}
