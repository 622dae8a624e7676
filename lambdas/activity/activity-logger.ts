import type { ActivityItem, Stay } from '../../protocol/entities.ts';
import { RollcallError } from '../../protocol/errors.ts';
import { isServerActivityType } from '../../protocol/server-activity.ts';
import { settingDefaults } from '../../protocol/timings.ts';
import { SetAside } from '../platform/set-aside.ts';
import {
  type ActivityContext,
  type ActivityDetails,
  type ActivityParams,
  makeEntry,
  toItem,
} from './activity-entry.ts';
import { type ExportFormat, formatPages } from './activity-export.ts';
import type { ActivityOutbox } from './activity-outbox.ts';
import type { ActivityQuery } from './activity-query.ts';
import { ActivityQueue } from './activity-queue.ts';
import { type ActivityPage, ActivityReader, type Trail } from './activity-reader.ts';
import { ActivityReports, type ActivityStatistics, type TimelineBucket } from './activity-reports.ts';
import { ActivityRepository, type Database } from './activity-repository.ts';
import { ActivityRetention, type RetentionResult } from './activity-retention.ts';
import { ActivityWriter, underOwnId, type Written } from './activity-writer.ts';
import { type AttendancePage, type AttendanceQuery, AttendanceReport } from './attendance.ts';
import { type AuditTrail, makeAuditTrail, makeSessionSummary, type SessionSummary } from './audit-trail.ts';
import { ChainSealer, type SealResult } from './chain-sealer.ts';
import { type ChainVerification, ChainVerifier } from './chain-verifier.ts';
import { type Backlog, OutboxReplay, type ReplayResult } from './outbox-replay.ts';
import { type Movement, type MovementQuery, PresenceHistory } from './presence-history.ts';

export interface ActivityLoggerOptions {
  /** A `pg` pool, or anything with its `query` and `connect`. */
  pool: Database;
  /** Holds entries while PostgreSQL is away. Without an outbox they are refused then (UNAVAILABLE). */
  outbox?: ActivityOutbox | undefined;
  /** Unix milliseconds; the system's clock by default. */
  clock?: (() => number) | undefined;
  /** How long entries are kept (`ACTIVITY_RETENTION_DAYS`). */
  retentionMillis?: number | undefined;
  /** The time limit of a write to PostgreSQL, with its retries. By default it leaves time for the outbox. */
  writeMillis?: number | undefined;
}

export interface LoggedActivity {
  activity: ActivityItem;
  /** False if the same activity was sent before: there is nothing to announce. */
  isNew: boolean;
  /** Whether it is in PostgreSQL already; otherwise it is in the outbox. */
  isStored: boolean;
}

/** How long one scheduled task may take, milliseconds. */
const sweepMillis = 20_000;
const dayMillis = 86_400_000;

/** Writes the audit trail of the sessions, maintains it and reads it. */
export class ActivityLogger {
  readonly #clock: () => number;
  readonly #retentionMillis: number;
  readonly #writer: ActivityWriter;
  readonly #queue: ActivityQueue;
  readonly #reader: ActivityReader;
  readonly #reports: ActivityReports;
  readonly #history: PresenceHistory;
  readonly #attendance: AttendanceReport;
  readonly #verifier: ChainVerifier;
  readonly #sealer: ChainSealer;
  readonly #retention: ActivityRetention;
  readonly #replay: OutboxReplay | undefined;
  readonly #aside: SetAside;

  constructor({ pool, outbox, clock = Date.now, retentionMillis, writeMillis }: ActivityLoggerOptions) {
    this.#clock = clock;
    this.#retentionMillis = retentionMillis ?? settingDefaults.ACTIVITY_RETENTION_DAYS * dayMillis;
    this.#writer = new ActivityWriter(new ActivityRepository(pool), outbox, writeMillis);
    this.#queue = new ActivityQueue((entries) => this.#writer.writeAll(entries));
    this.#reader = new ActivityReader(pool);
    this.#reports = new ActivityReports(pool);
    this.#history = new PresenceHistory(pool);
    this.#attendance = new AttendanceReport(pool);
    this.#verifier = new ChainVerifier(pool);
    this.#sealer = new ChainSealer(pool, clock);
    this.#retention = new ActivityRetention(pool, clock);
    this.#aside = new SetAside(pool, clock);
    this.#replay = outbox && new OutboxReplay(outbox, this.#writer);
  }

  /**
   * Records one activity. When it resolves, the entry is in PostgreSQL or in the outbox (rule AC1).
   *
   * @param sessionId the session's UUID.
   * @param userId the id of a user or the anonymous id of a guest; null if the server did it by itself.
   * @throws RollcallError INVALID_MESSAGE or TOO_LARGE if the activity cannot be stored or its `activityId` belongs to
   *   another entry; UNAVAILABLE if neither store accepts it.
   */
  async logActivity(
    sessionId: string,
    userId: string | null,
    type: string,
    details: ActivityDetails = {},
    context: ActivityContext = {},
  ): Promise<LoggedActivity> {
    const [logged] = await this.logActivities([{ ...context, sessionId, userId, type, details }]);
    return logged!;
  }

  /** The same for many activities, in one statement. If one of them fails, all of them fail. */
  async logActivities(activities: readonly ActivityParams[]): Promise<LoggedActivity[]> {
    if (activities.length === 0) return [];
    const entries = activities.map((params) => makeEntry(params, this.#clock()));
    const repeats = entries.filter((_, index) => activities[index]!.mayRepeat).map(({ id }) => id);
    const written = await this.#underFreeIds(await this.#writer.write(entries, repeats));
    if (written.some(({ outcome }) => outcome === 'taken')) {
      throw new RollcallError('INVALID_MESSAGE', 'This activityId belongs to another entry. Send another UUID.');
    }
    return written.map(({ outcome, entry }) => ({
      activity: toItem(entry),
      // If an id of the server exists already, an attempt whose answer was lost has written it. So the entry is new.
      isNew: outcome === 'new' || outcome === 'deferred' || !entry.isRepeatable,
      isStored: outcome === 'new' || outcome === 'repeated',
    }));
  }

  /**
   * A client may have chosen the id of an entry that the server writes later. The server must still write its entry, so
   * that entry gets another id.
   */
  async #underFreeIds(written: Written[]): Promise<Written[]> {
    const isTakenFromServer = ({ outcome, entry }: Written) =>
      outcome === 'taken' && isServerActivityType(entry.activityType);
    const ownEntries = written.filter(isTakenFromServer).map(({ entry }) => underOwnId(entry));
    if (ownEntries.length === 0) return written;
    const again = (await this.#writer.write(ownEntries)).values();
    return written.map((one) => (isTakenFromServer(one) ? again.next().value! : one));
  }

  /**
   * Records an activity within the caller's transaction: the change and its entry are committed together, or neither is. A
   * second call with the same `activityId` writes nothing.
   */
  async logWithin(transaction: Pick<Database, 'query'>, params: ActivityParams): Promise<void> {
    await new ActivityWriter(new ActivityRepository(transaction), undefined).writeAllToDatabase([
      makeEntry(params, this.#clock()),
    ]);
  }

  /**
   * Adds an activity to the next bulk write (rule AC2). It is durable only after `flush`. Every invocation awaits `flush`
   * before it ends.
   *
   * @returns the entry as it will be stored.
   * @throws RollcallError INVALID_MESSAGE or TOO_LARGE if the activity cannot be stored.
   */
  queueActivity(params: ActivityParams): ActivityItem {
    const entry = makeEntry(params, this.#clock());
    this.#queue.add(entry);
    return toItem(entry);
  }

  /**
   * Writes the queued entries. It resolves when they are durable.
   *
   * @throws RollcallError UNAVAILABLE if neither store accepts them; they stay queued for the next flush.
   */
  flush(): Promise<void> {
    return this.#queue.flush();
  }

  /**
   * A page of a session's activity, newest first (rule AC4).
   *
   * @param query a filter, or only the limit as a number.
   * @param maxBytes the largest size of the entries as JSON; a page that reaches it holds fewer entries than the limit.
   * @throws RollcallError INVALID_MESSAGE for an invalid limit, cursor, user or time.
   */
  getSessionActivity(sessionId: string, query: ActivityQuery | number = {}, maxBytes?: number): Promise<ActivityPage> {
    return this.#reader.page(sessionId, typeof query === 'number' ? { limit: query } : query, maxBytes);
  }

  /** The same for several sessions together, in the order of time. */
  getActivityOf(trail: Trail, query: ActivityQuery, maxBytes?: number): Promise<ActivityPage> {
    return this.#reader.page(trail, query, maxBytes);
  }

  /** The newest entries of a session. */
  async getRecentActivity(sessionId: string, limit = 10): Promise<ActivityItem[]> {
    return (await this.#reader.page(sessionId, { limit })).items;
  }

  /**
   * All matching entries as one document, oldest first, in pieces of a few hundred entries. `limit` and `before` have no
   * effect. The memory that it needs does not grow with the number of entries.
   */
  exportActivity(sessionId: string, format: ExportFormat, query: ActivityQuery = {}): AsyncGenerator<string> {
    return formatPages(this.#reader.pages(sessionId, query), format);
  }

  /** All entries of the session from its beginning, a summary, and the result of verifying its hash chain. */
  generateAuditTrail(sessionId: string, maxEntries?: number): Promise<AuditTrail> {
    const sources = { reader: this.#reader, reports: this.#reports, verifier: this.#verifier };
    return makeAuditTrail(sources, sessionId, this.#clock(), maxEntries);
  }

  getActivityStatistics(sessionId: string): Promise<ActivityStatistics> {
    return this.#reports.statistics(sessionId);
  }

  async getSessionSummary(sessionId: string): Promise<SessionSummary> {
    return makeSessionSummary(await this.#reports.statistics(sessionId));
  }

  /** The number of entries in each period, by default one hour. */
  getActivityTimeline(
    sessionId: string,
    bucketMillis = 3_600_000,
    query: ActivityQuery = {},
  ): Promise<TimelineBucket[]> {
    return this.#reports.timeline(sessionId, bucketMillis, query);
  }

  getActivityCountsByType(sessionId: string, query: ActivityQuery = {}): Promise<Record<string, number>> {
    return this.#reports.countsByType(sessionId, query);
  }

  /** Who was present at a moment (Unix milliseconds), and when and why each left. */
  whoWasHere(sessionId: string, at: number): Promise<Stay[]> {
    return this.#history.whoWasHere(sessionId, at);
  }

  /** How long each user was present in a period, in the order of their first join. */
  attendance(sessionId: string, query: AttendanceQuery = {}): Promise<AttendancePage> {
    return this.#attendance.page(sessionId, query, this.#clock());
  }

  /** The last movement of a user, up to `until` if it is given; undefined if the trail has none. */
  async lastMovement(sessionId: string, userId: string, until?: number): Promise<Movement | undefined> {
    return (await this.lastMovements([{ sessionId, userId, until }]))[0];
  }

  /** The same for many users, in one statement. */
  lastMovements(queries: readonly MovementQuery[]): Promise<(Movement | undefined)[]> {
    return this.#history.lastMovements(queries);
  }

  /**
   * Stores a movement that PostgreSQL refuses, so that an operator finds it.
   *
   * @param text the movement as it is in the movement journal.
   */
  setMovementAside(sessionId: string, text: string, error: unknown): Promise<void> {
    return this.#aside.add('movement', `${sessionId} ${text}`, error);
  }

  /** Sweep: moves entries from the outbox to PostgreSQL. */
  async replayOutbox(millis = sweepMillis): Promise<ReplayResult> {
    return (await this.#replay?.run(millis)) ?? { replayed: 0, setAside: 0, complete: true };
  }

  /** Sweep: what waits in the outbox. @throws the error of DynamoDB. */
  async outboxBacklog(): Promise<Backlog> {
    return (await this.#replay?.backlog()) ?? { depth: 0, oldestAt: undefined };
  }

  /** Sweep: adds new entries to the hash chains. */
  sealChains(millis = sweepMillis): Promise<SealResult> {
    return this.#sealer.run(millis);
  }

  /** Sweep: removes entries after their retention. */
  removeExpired(millis = sweepMillis): Promise<RetentionResult> {
    return this.#retention.run(this.#clock() - this.#retentionMillis, millis);
  }

  /** Verifies that the trail of the session was not changed; otherwise names the first broken link. */
  verifyChain(sessionId: string): Promise<ChainVerification> {
    return this.#verifier.verify(sessionId);
  }
}
