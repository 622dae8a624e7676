import type { Cluster, Redis } from 'ioredis';
import type { Timings } from '../../protocol/timings.ts';
import type { ActivityLogger } from '../activity/activity-logger.ts';
import type { ActivityOutbox } from '../activity/activity-outbox.ts';
import type { ConnectionRegistry } from '../connections/connection-registry.ts';
import type { Broadcaster } from '../delivery/broadcaster.ts';
import type { ActivityCache } from '../liveness/activity-cache.ts';
import type { MachineManager } from '../machines/machine-manager.ts';
import type { Database, Queryable } from '../platform/database.ts';
import type { log } from '../platform/log.ts';
import type { Deadlines } from '../presence/deadlines.ts';
import type { MovingSessions } from '../presence/moving-sessions.ts';
import type { PresenceManager } from '../presence/presence-manager.ts';
import type { RateLimiter } from '../presence/rate-limiter.ts';
import type { ShardLeases } from '../presence/shard-leases.ts';
import type { SessionCleanupService } from '../sessions/session-cleanup-service.ts';
import type { SessionInvites } from '../sessions/session-invites.ts';
import type { SessionKeys } from '../sessions/session-keys.ts';
import type { SessionManager } from '../sessions/session-manager.ts';
import type { SweepQueries } from '../sessions/sweep-queries.ts';

/**
 * Everything a use case works with: stores, delivery, clock and log. A use case takes it as its first argument; the
 * composition root makes it, and a test gives its own.
 */
export interface Services {
  readonly timings: Timings;
  /** Unix milliseconds. */
  readonly clock: () => number;
  readonly log: Pick<typeof log, 'debug' | 'info' | 'warn' | 'error'>;

  /** Who is in which session. */
  readonly presence: PresenceManager;
  /** When something becomes due in a session. */
  readonly deadlines: Deadlines;
  /** Where something moves. */
  readonly movingSessions: MovingSessions;
  /** Which sweep visits which shard of the deadlines. */
  readonly shardLeases: ShardLeases;
  readonly rateLimiter: RateLimiter;
  readonly redis: Redis | Cluster;

  /** The connections and what they joined. */
  readonly registry: ConnectionRegistry;

  /** Sends frames to many connections: one lean signed request for each. */
  readonly broadcaster: Broadcaster;
  /** Sends rare frames to single connections, through the official client. */
  readonly messenger: Broadcaster;

  readonly sessions: SessionManager;
  readonly invites: SessionInvites;
  /** The sessions by the keys of the application. */
  readonly sessionKeys: SessionKeys;
  /** The sessions as one connection sees them, inside a transaction of its own. */
  sessionsOn(queryable: Queryable): SessionManager;
  /** The same for sessions by their keys. */
  keysOn(queryable: Queryable): SessionKeys;
  /** The same for the invitations into these sessions. */
  invitesOn(queryable: Queryable, manager: SessionManager): SessionInvites;
  /** The secrets that sign invites, newest first. */
  readonly inviteKeys: () => Promise<readonly Uint8Array[]>;
  readonly cleanup: SessionCleanupService;

  /** The audit trail, for functions that answer somebody. */
  readonly activity: ActivityLogger;
  /** The same for scheduled work, whose statements may take longer. */
  readonly sweepActivity: ActivityLogger;
  /** The audit trail for those who only read it: they are granted no outbox. */
  readonly activityReader: ActivityLogger;
  /** The same for questions about all entries of a session, whose answers may take seconds. */
  readonly activityReports: ActivityLogger;
  /** Where acknowledged activity waits for PostgreSQL. */
  readonly outbox: ActivityOutbox;

  readonly database: Database;
  /** The same for scheduled work, whose statements may take ten seconds. */
  readonly sweepDatabase: Database;
  /** What the sweep asks PostgreSQL about the people in sessions. */
  readonly sweepQueries: SweepQueries;

  /** The liveness cache. What it queued must be flushed before the invocation ends (rule LC3). */
  readonly liveness: ActivityCache;
  readonly machines: MachineManager;

  /** The name of the function that sweeps; undefined for functions that may not start it. */
  readonly sweepFunction: string | undefined;
  /** Starts a function without waiting for its end. */
  startFunction(name: string, event: object): Promise<void>;
}
