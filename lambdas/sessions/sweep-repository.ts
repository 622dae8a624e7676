import type { Timings } from '../../protocol/timings.ts';
import type { Queryable } from '../platform/database.ts';
import { SetAside, type SweepStep, waitingForLocks } from '../platform/set-aside.ts';
import { type Expiry, minutesBetween } from './expiry.ts';
import { sweepSql } from './sweep-sql.ts';

export interface ExpiringSession {
  sessionId: string;
  ownerId: string;
  /** Unix milliseconds; nothing must happen until then for the session to expire. */
  expiresAt: number;
}

export interface ExpiredSession extends Expiry {
  /** The `SESSION-…` name. */
  name: string;
  ownerId: string;
}

export interface CleanupStats {
  totalSessions: number;
  /** Neither ended nor expired. */
  activeSessions: number;
  inactiveSessions: number;
  /** With activity within `SESSION_TIMEOUT_HOURS`, whatever their status. */
  sessionsWithRecentActivity: number;
}

export type SweepTimings = Pick<
  Timings,
  'sessionTimeoutMillis' | 'sessionWarningMillis' | 'sessionRetentionMillis' | 'activityRetentionMillis'
>;

/**
 * The scheduled work on sessions, as statements that each take at most `limit` rows, the oldest first, and skip rows that
 * another sweep holds: run twice at once, each session is claimed once. A row that a statement cannot update is set aside, and the
 * others go on.
 */
export class SweepRepository {
  readonly #database: Queryable;
  readonly #timings: SweepTimings;

  constructor(database: Queryable, timings: SweepTimings) {
    this.#database = database;
    this.#timings = timings;
  }

  /** Active sessions without activity for this long. */
  async inactive(idleMillis: number, limit: number, now: number): Promise<string[]> {
    const rows = await this.#rows<{ id: string }>('sweep-inactive', sweepSql.inactive, [idleMillis, limit, now]);
    return rows.map((row) => row.id);
  }

  /** Active sessions that expire soon and whose participants were not warned yet. */
  async silent(limit: number, now: number): Promise<string[]> {
    const { sessionTimeoutMillis, sessionWarningMillis } = this.#timings;
    const values = [sessionTimeoutMillis - sessionWarningMillis, limit, now];
    const rows = await this.#rows<{ id: string }>('sweep-silent', sweepSql.silent, values);
    return rows.map((row) => row.id);
  }

  /** Claims those of the given sessions that expire soon; a session is warned once per time it falls silent. */
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

  /** Gives a claim back whose warning could not be announced. */
  async releaseWarning(sessionId: string): Promise<void> {
    await this.#rows('sweep-unwarn', sweepSql.releaseWarning, [sessionId]);
  }

  /** Sets a warning aside that cannot be announced. */
  async setWarningAside(sessionId: string, error: unknown, now: number): Promise<void> {
    await this.#aside(now).add('warn', sessionId, error);
  }

  /** Expires those of the given sessions that are past their time, and says how many. */
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

  /** Claims expiries nobody announced yet, those written from psql included. */
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

  /** Sets an expiry aside that cannot be announced. */
  async setExpiredAside(sessionId: string, error: unknown, now: number): Promise<void> {
    await this.#aside(now).add('announce-expiry', sessionId, error);
  }

  /** Gives a claim back whose expiry could not be announced. */
  async releaseExpired(sessionId: string): Promise<void> {
    await this.#rows('sweep-unclaim', sweepSql.releaseExpired, [sessionId]);
  }

  /** Takes the slots that somebody still holds in a session that is over. */
  async closeOrphans(limit: number, now: number): Promise<number> {
    const due = { name: 'sweep-due-orphans', text: sweepSql.dueOrphans, values: [limit, now] };
    const close = { name: 'sweep-orphans', text: sweepSql.closeOrphans, values: [limit, now] };
    return (await this.#batch('close-orphan', now, due, close)).length;
  }

  /** Deletes sessions that ended a retention ago, with their participants and invites; what names their trail stays. */
  async purge(limit: number, now: number): Promise<number> {
    const values = [limit, this.#timings.sessionRetentionMillis, now];
    const due = { name: 'sweep-due-purge', text: sweepSql.duePurge, values };
    const purge = { name: 'sweep-purge', text: sweepSql.purge, values };
    return (await this.#batch('purge', now, due, purge)).length;
  }

  /** Deletes what is left of purged sessions once their audit trail is past its own retention. */
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

  /** Forgets rows that were set aside and have not failed since. */
  async forgetSetAside(now: number): Promise<void> {
    await this.#aside(now).forgetOld();
  }

  /**
   * A statement over the first rows that are due. Only if one of them makes it fail are their ids read and tried apart.
   *
   * @param statement takes the ids as its last parameter, null for the first that are due.
   */
  #batch<R extends object>(step: SweepStep, now: number, due: Statement, { name, text, values }: Statement) {
    return this.#aside(now).togetherOrApart<R>(step, {
      together: () => this.#rows<R>(name, text, [...values, null]),
      ids: async () => (await this.#rows<{ id: string }>(due.name, due.text, due.values)).map(({ id }) => id),
      apart: (ids) => this.#rows<R>(`${name}-apart`, waitingForLocks(text), [...values, ids]),
    });
  }

  /** A statement over rows that are named. Only if one of them makes it fail are they tried apart. */
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
