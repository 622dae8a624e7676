import type { Timings } from '../../protocol/timings.ts';
import type { Queryable } from '../platform/database.ts';
import { forgetSetAside } from '../platform/forget-set-aside.ts';
import { SetAside, type SweepStep, waitingForLocks } from '../platform/set-aside.ts';
import { type Expiry, minutesBetween } from './expiry.ts';
import { sweepSql } from './sweep-sql.ts';

export interface ExpiringSession {
  sessionId: string;
  ownerId: string;
  /** The time at which the session expires if there is no activity before, Unix milliseconds. */
  expiresAt: number;
  /** Whether it is an early warning: probably nobody comes back. */
  early?: true;
}

export interface ExpiredSession extends Expiry {
  /** The `SESSION-…` name. */
  name: string;
  ownerId: string;
}

export interface CleanupStats {
  totalSessions: number;
  /** Sessions that have neither ended nor expired. */
  activeSessions: number;
  inactiveSessions: number;
  /** Sessions with activity within `SESSION_TIMEOUT_HOURS`, whatever their status. */
  sessionsWithRecentActivity: number;
}

export type SweepTimings = Pick<
  Timings,
  'sessionTimeoutMillis' | 'sessionWarningMillis' | 'sessionRetentionMillis' | 'activityRetentionMillis'
>;

/**
 * The statements of the scheduled work on sessions. Each takes at most `limit` rows, the oldest first, and skips rows that
 * another sweep has locked. So two sweeps at the same time claim each session once. A row that a statement cannot update is
 * set aside, and the others are processed.
 */
export class SweepRepository {
  readonly #database: Queryable;
  readonly #timings: SweepTimings;

  constructor(database: Queryable, timings: SweepTimings) {
    this.#database = database;
    this.#timings = timings;
  }

  /** Active sessions without activity for this time. */
  async inactive(idleMillis: number, limit: number, now: number): Promise<string[]> {
    const rows = await this.#rows<{ id: string }>('sweep-inactive', sweepSql.inactive, [idleMillis, limit, now]);
    return rows.map((row) => row.id);
  }

  /** Active sessions that expire soon and whose participants have not been warned. */
  async silent(limit: number, now: number): Promise<string[]> {
    const { sessionTimeoutMillis, sessionWarningMillis } = this.#timings;
    const values = [sessionTimeoutMillis - sessionWarningMillis, limit, now];
    const rows = await this.#rows<{ id: string }>('sweep-silent', sweepSql.silent, values);
    return rows.map((row) => row.id);
  }

  /** Claims those of the given sessions that expire soon. After each activity a session can be warned about once. */
  async claimWarnings(sessionIds: string[], now: number): Promise<ExpiringSession[]> {
    const { sessionTimeoutMillis, sessionWarningMillis } = this.#timings;
    const values = [sessionTimeoutMillis, sessionWarningMillis, now];
    const claim = (name: string, text: string) => (ids: readonly string[]) =>
      this.#rows<{ id: string; owner_id: string; expires_at: Date }>(name, text, [ids, ...values]);
    const rows = await this.#named('warn', sessionIds, now, {
      together: claim('sweep-warn', sweepSql.claimWarnings),
      apart: claim('sweep-warn-apart', waitingForLocks(sweepSql.claimWarnings)),
    });
    return rows.map((row) => ({ sessionId: row.id, ownerId: row.owner_id, expiresAt: row.expires_at.getTime() }));
  }

  /** Gives back the claim of a session whose warning could not be announced. */
  async releaseWarning(sessionId: string): Promise<void> {
    await this.#rows('sweep-unwarn', sweepSql.releaseWarning, [sessionId]);
  }

  /** Sets aside a session whose warning cannot be announced. */
  async setWarningAside(sessionId: string, error: unknown, now: number): Promise<void> {
    await this.#aside(now).add('warn', sessionId, error);
  }

  /** Expires those of the given sessions whose time is over, and returns how many. */
  async expire(sessionIds: string[], now: number): Promise<number> {
    const { sessionTimeoutMillis } = this.#timings;
    const expire = (name: string, text: string) => (ids: readonly string[]) =>
      this.#rows<{ expired: number }>(name, text, [sessionTimeoutMillis, ids.length, now, ids]);
    const counts = await this.#named('expire', sessionIds, now, {
      together: expire('sweep-expire', sweepSql.expire),
      apart: expire('sweep-expire-apart', sweepSql.expireApart),
    });
    return counts.reduce((sum, { expired }) => sum + expired, 0);
  }

  /** Claims expiries that were not announced yet, also those that were written with psql. */
  async claimExpired(limit: number, now: number): Promise<ExpiredSession[]> {
    const due = { name: 'sweep-due-expired', text: sweepSql.dueExpired, values: [limit, now] };
    const claim = { name: 'sweep-claim', text: sweepSql.claimExpired, values: [limit, now] };
    const rows = await this.#batch<ExpiredRow>('announce-expiry', now, due, claim);
    return rows.map(toExpired);
  }

  async isExpired(sessionId: string): Promise<boolean> {
    return (await this.#rows('sweep-is-expired', sweepSql.isExpired, [sessionId])).length > 0;
  }

  /** Ends the claims of expiries that were announced. */
  async confirmExpired(sessionIds: readonly string[], now: number): Promise<void> {
    await this.#aside(now).apart('announce-expiry', sessionIds, (ids) =>
      this.#rows('sweep-confirm', sweepSql.confirmExpired, [ids, now]),
    );
  }

  /** Sets aside a session whose expiry cannot be announced. */
  async setExpiredAside(sessionId: string, error: unknown, now: number): Promise<void> {
    await this.#aside(now).add('announce-expiry', sessionId, error);
  }

  /** Gives back the claim of a session whose expiry could not be announced. */
  async releaseExpired(sessionId: string): Promise<void> {
    await this.#rows('sweep-unclaim', sweepSql.releaseExpired, [sessionId]);
  }

  /** Ends the slots that are still held in sessions that are over. */
  async closeOrphans(limit: number, now: number): Promise<number> {
    const due = { name: 'sweep-due-orphans', text: sweepSql.dueOrphans, values: [limit, now] };
    const close = { name: 'sweep-orphans', text: sweepSql.closeOrphans, values: [limit, now] };
    return (await this.#batch('close-orphan', now, due, close)).length;
  }

  /**
   * Deletes sessions that ended a retention ago, with their participants and invites. Their ids, key and owner are kept for the
   * audit trail.
   */
  async purge(limit: number, now: number): Promise<number> {
    const values = [limit, this.#timings.sessionRetentionMillis, now];
    const due = { name: 'sweep-due-purge', text: sweepSql.duePurge, values };
    const purge = { name: 'sweep-purge', text: sweepSql.purge, values };
    return (await this.#batch('purge', now, due, purge)).length;
  }

  /** Deletes the rest of purged sessions when their audit trail is older than its own retention. */
  async forget(limit: number, now: number): Promise<number> {
    const values = [limit, this.#timings.activityRetentionMillis, now];
    const due = { name: 'sweep-due-forget', text: sweepSql.dueForget, values };
    const forget = { name: 'sweep-forget', text: sweepSql.forget, values };
    return (await this.#batch('forget', now, due, forget)).length;
  }

  async statistics(now: number): Promise<CleanupStats> {
    const values = [this.#timings.sessionTimeoutMillis, now];
    const [row] = await this.#rows<{ total: number; active: number; recent: number }>(
      'sweep-statistics',
      sweepSql.statistics,
      values,
    );
    const { total, active, recent } = row!;
    return {
      ...{ totalSessions: total, activeSessions: active, inactiveSessions: total - active },
      sessionsWithRecentActivity: recent,
    };
  }

  /** Deletes rows that were set aside and have not failed since. */
  async forgetSetAside(now: number): Promise<void> {
    await forgetSetAside(this.#database, now);
  }

  /**
   * Runs a statement over the first rows that are due. Only if one of them makes it fail, it reads their ids and tries the
   * rows apart.
   *
   * @param statement takes the ids as its last parameter: null for the first rows that are due.
   */
  #batch<R extends object>(step: SweepStep, now: number, due: Statement, { name, text, values }: Statement) {
    return this.#aside(now).togetherOrApart<R>(step, {
      together: () => this.#rows<R>(name, text, [...values, null]),
      ids: async () => (await this.#rows<{ id: string }>(due.name, due.text, due.values)).map(({ id }) => id),
      apart: (ids) => this.#rows<R>(`${name}-apart`, waitingForLocks(text), [...values, ids]),
    });
  }

  /** Runs a statement over rows with given ids. Only if one of them makes it fail, it tries them apart. */
  async #named<R>(
    step: SweepStep,
    ids: readonly string[],
    now: number,
    { together, apart }: Record<'together' | 'apart', (ids: readonly string[]) => Promise<R[]>>,
  ): Promise<readonly R[]> {
    if (ids.length === 0) return [];
    return this.#aside(now).togetherOrApart(step, { together: () => together(ids), ids: async () => ids, apart });
  }

  #aside(now: number): SetAside {
    return new SetAside(this.#database, () => now);
  }

  async #rows<R extends object>(name: string, text: string, values: unknown[]): Promise<R[]> {
    const { rows } = await this.#database.query<R>({ name, text, values });
    return rows;
  }
}

interface Statement {
  name: string;
  text: string;
  values: unknown[];
}

interface ExpiredRow {
  id: string;
  session_id: string;
  owner_id: string;
  start_time: Date;
  end_time: Date;
  participants: number;
}

function toExpired(row: ExpiredRow): ExpiredSession {
  return {
    ...{ sessionId: row.id, name: row.session_id, ownerId: row.owner_id, expiredAt: row.end_time.getTime() },
    durationMinutes: minutesBetween(row.start_time.getTime(), row.end_time.getTime()),
    participantCount: row.participants,
  };
}
