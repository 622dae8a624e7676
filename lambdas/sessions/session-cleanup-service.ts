import type { Timings } from '../../protocol/timings.ts';
import type { Queryable } from '../platform/database.ts';
import { log } from '../platform/log.ts';
import { applyApart } from '../platform/row-fault.ts';
import { SetAside } from '../platform/set-aside.ts';
import { announceEach } from './announce-each.ts';
import { EarlyWarnings } from './early-warnings.ts';
import {
  type CleanupStats,
  type ExpiredSession,
  type ExpiringSession,
  SweepRepository,
  type SweepTimings,
} from './sweep-repository.ts';
import { touchSessions } from './touch-sessions.ts';

export interface SessionCleanupOptions {
  database: Queryable;
  timings: SweepTimings & Pick<Timings, 'cleanupIntervalMillis' | 'warnsEarly' | 'offlineAfterMillis'>;
  /** Tells the participants that a session expires soon. If it throws, the next run tries again. */
  onExpiring?: (session: ExpiringSession) => Promise<void>;
  /** Writes the audit entries of many expiries. It runs before `onExpired`, and again if a run was killed. */
  recordExpired?: (sessions: readonly ExpiredSession[]) => Promise<void>;
  /**
   * Tells the participants. If it throws, a later run tries again. `isStillExpired` returns whether nobody has recovered the
   * session since it was claimed: users of a recovered session must not be removed.
   */
  onExpired?: (session: ExpiredSession, isStillExpired: () => Promise<boolean>) => Promise<void>;
  /**
   * The last signs of life in those of these sessions in which somebody is present, Unix milliseconds by session. They may be
   * newer than the stored times. If it throws, nothing expires in this run (rule SE5: an error never expires anything).
   */
  lastSigns?: (sessionIds: string[]) => Promise<ReadonlyMap<string, number>>;
  clock?: () => number;
  /** Rows per statement. */
  batchSize?: number;
  /** After this many milliseconds a step of a run begins no further batch. The next run does the rest. */
  budgetMillis?: number;
}

/**
 * Warns before expiry, expires, announces and purges sessions (rules SE6, SE10): on a timer in a resident process ({@link
 * start}), or by {@link runCleanup} if something else calls it. Several may run at the same time.
 */
export class SessionCleanupService {
  static #instance: SessionCleanupService | undefined;

  #options: SessionCleanupOptions | undefined;
  #timer: NodeJS.Timeout | undefined;

  constructor(options?: SessionCleanupOptions) {
    this.#options = options;
  }

  /** The instance of this process; {@link configure} it before its first run. */
  static getInstance(): SessionCleanupService {
    SessionCleanupService.#instance ??= new SessionCleanupService();
    return SessionCleanupService.#instance;
  }

  configure(options: SessionCleanupOptions): this {
    this.#options = options;
    return this;
  }

  /**
   * Runs now, and then at each interval in minutes. A service that runs already does not change.
   *
   * @throws Error if the interval is not a number above zero.
   */
  start(minutes = this.#configured().timings.cleanupIntervalMillis / 60_000): void {
    if (!(minutes > 0 && Number.isFinite(minutes))) {
      throw new Error(`The cleanup interval is ${minutes} minutes; set it to a number above zero.`);
    }
    if (this.#timer) return;
    this.#timer = setInterval(() => void this.runCleanup(), minutes * 60_000);
    this.#timer.unref();
    log.info(`SessionCleanupService started with interval: ${minutes} minutes`);
    void this.runCleanup();
  }

  /** Ends the timer. A run that has begun finishes. */
  stop(): void {
    clearInterval(this.#timer);
    this.#timer = undefined;
  }

  isServiceRunning(): boolean {
    return this.#timer !== undefined;
  }

  /**
   * Runs once and returns how many sessions expired or were purged. Never throws: a failure is logged, and the next run
   * continues.
   */
  async runCleanup(): Promise<number> {
    log.info('Cleaning up inactive sessions...');
    const expired = await this.runExpiry();
    const purged = await this.#attempt(async () => {
      const done = await this.#purge(this.#deadline());
      log.info(`Cleanup completed. Removed ${expired + done} sessions`, { expired, purged: done });
      log.info(`Cleanup stats: ${JSON.stringify(await this.getCleanupStats())}`);
      return done;
    });
    return expired + purged;
  }

  /**
   * The quick part of a run, for each minute: warnings are due minutes before the expiry, more often than the cleanup
   * interval. Returns how many sessions expired. Never throws.
   */
  async runExpiry(): Promise<number> {
    const expired = await this.#attempt(() => this.#expire());
    await this.#attempt(() => this.#eachBatch((limit) => this.#announceExpired(limit), this.#announceDeadline()));
    await this.#attempt(() => this.#eachBatch((limit) => this.#warn(limit)));
    await this.#attempt(() => this.#warnEarly());
    return expired;
  }

  /** @throws RollcallError `UNAVAILABLE` while PostgreSQL is away. */
  async getCleanupStats(): Promise<CleanupStats> {
    return this.#repository().statistics(this.#now());
  }

  async #expire(): Promise<number> {
    const repository = this.#repository();
    const { sessionTimeoutMillis } = this.#configured().timings;
    let total = 0;
    await this.#eachBatch(async (limit) => {
      const due = await repository.inactive(sessionTimeoutMillis, limit, this.#now());
      const alone = await this.#withoutPresent('expire', due, sessionTimeoutMillis);
      const expired = await repository.expire(alone, this.#now());
      total += expired;
      // Sessions that were kept are left out of the next batch, so that it has others.
      return expired + due.length - alone.length;
    });
    return total;
  }

  async #announceExpired(limit: number): Promise<number> {
    const repository = this.#repository();
    const claimed = await repository.claimExpired(limit, this.#now());
    const { onExpired = nobody, recordExpired = nobody } = this.#configured();
    const failed = {
      release: (id: string) => repository.releaseExpired(id),
      setAside: (id: string, error: unknown) => repository.setExpiredAside(id, error, this.#now()),
    };
    const unrecorded = new Map<string, unknown>();
    const record = async (sessions: readonly ExpiredSession[]) => {
      await recordExpired(sessions);
      return [];
    };
    await applyApart(claimed, record, async ({ sessionId }, error) => void unrecorded.set(sessionId, error), anyFault);
    const announce = async (session: ExpiredSession) => {
      if (unrecorded.has(session.sessionId)) throw unrecorded.get(session.sessionId);
      await onExpired(session, () => repository.isExpired(session.sessionId));
    };
    const announced = await announceEach(claimed, announce, failed);
    await repository.confirmExpired(
      announced.map(({ sessionId }) => sessionId),
      this.#now(),
    );
    return announced.length;
  }

  async #warn(limit: number): Promise<number> {
    const repository = this.#repository();
    const silent = await repository.silent(limit, this.#now());
    const { sessionTimeoutMillis, sessionWarningMillis } = this.#configured().timings;
    const alone = await this.#withoutPresent('warn', silent, sessionTimeoutMillis - sessionWarningMillis);
    const claimed = await repository.claimWarnings(alone, this.#now());
    const announce = this.#configured().onExpiring ?? nobody;
    const announced = await announceEach(claimed, announce, {
      release: (id) => repository.releaseWarning(id),
      setAside: (id, error) => repository.setWarningAside(id, error, this.#now()),
    });
    return announced.length + silent.length - alone.length;
  }

  /** One batch a minute, the most probable expiry first. So reading histories never takes the time of the expiries. */
  async #warnEarly(): Promise<number> {
    const { database, timings, onExpiring = nobody } = this.#configured();
    if (!timings.warnsEarly) return 0;
    const warnings = new EarlyWarnings(database, timings);
    const { sure } = await warnings.likely(estimatedAtOnce, this.#now());
    const ids = sure.map(({ sessionId }) => sessionId);
    const alone = await this.#withoutPresent('warn', ids, timings.offlineAfterMillis);
    const claimed = await warnings.claim(alone, this.#now());
    const announced = await announceEach(claimed, (session) => onExpiring({ ...session, early: true }), {
      release: (id) => warnings.release(id),
      // The next warning, at its usual time, sets a session aside that cannot be told of.
      setAside: async () => {},
    });
    return announced.length;
  }

  async #purge(deadline: number): Promise<number> {
    const repository = this.#repository();
    await this.#eachBatch((limit) => repository.closeOrphans(limit, this.#now()), deadline);
    const purged = await this.#eachBatch((limit) => repository.purge(limit, this.#now()), deadline);
    await this.#eachBatch((limit) => repository.forget(limit, this.#now()), deadline);
    await repository.forgetSetAside(this.#now());
    return purged;
  }

  /**
   * Repeats a step, at least once, until it finds nothing more to do or the time is up. Returns the total of what it did.
   */
  async #eachBatch(step: (limit: number) => Promise<number>, deadline = this.#deadline()): Promise<number> {
    const limit = this.#configured().batchSize ?? 200;
    let total = 0;
    let done = 0;
    do {
      done = await step(limit);
      total += done;
    } while (done > 0 && performance.now() < deadline);
    return total;
  }

  /**
   * Leaves out the sessions whose last sign of life is newer than `silenceMillis` ago, and writes its time, so that the step
   * does not find them again. A session whose time cannot be written is set aside.
   */
  async #withoutPresent(step: 'expire' | 'warn', sessionIds: string[], silenceMillis: number): Promise<string[]> {
    const { lastSigns, database } = this.#configured();
    if (!lastSigns || sessionIds.length === 0) return sessionIds;
    const now = this.#now();
    const signs = await lastSigns(sessionIds);
    const signOf = (id: string) => signs.get(id) ?? 0;
    const present = sessionIds.filter((id) => signOf(id) > now - silenceMillis);
    const touch = (ids: readonly string[]) =>
      touchSessions(
        database,
        ids.map((sessionId) => ({ sessionId, personId: null, at: signOf(sessionId) })),
      );
    await new SetAside(database, () => now).apart(step, present, touch);
    return sessionIds.filter((id) => !present.includes(id));
  }

  async #attempt(work: () => Promise<number>): Promise<number> {
    try {
      return await work();
    } catch (error) {
      log.error(`Cleanup failed: ${error instanceof Error ? error.message : String(error)}`, error as Error);
      return 0;
    }
  }

  #deadline(): number {
    return performance.now() + (this.#configured().budgetMillis ?? 5000);
  }

  /** Ten thousand sessions that expire at the same time must be announced within two minutes. */
  #announceDeadline(): number {
    return performance.now() + (this.#configured().budgetMillis ?? 25_000);
  }

  #now(): number {
    return (this.#configured().clock ?? Date.now)();
  }

  #repository(): SweepRepository {
    const { database, timings } = this.#configured();
    return new SweepRepository(database, timings);
  }

  #configured(): SessionCleanupOptions {
    if (!this.#options) throw new Error('SessionCleanupService is not configured: call configure() first.');
    return this.#options;
  }
}

/** An entry that the audit trail refuses fails by an error of its own. */
const anyFault = () => true;

/** How many silent sessions one run compares with their history. */
const estimatedAtOnce = 50;

/** If no callback was configured. */
const nobody = async () => {};
