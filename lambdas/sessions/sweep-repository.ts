import type { Timings } from '../../protocol/timings.ts';
import type { Queryable } from '../platform/database.ts';
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
 * another sweep holds: run twice at once, each session is claimed once.
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
    const values = [sessionIds, sessionTimeoutMillis, sessionWarningMillis, now];
    const rows = await this.#rows<{ id: string; owner_id: string; expires_at: Date }>(
      'sweep-warn',
      sweepSql.claimWarnings,
      values,
    );
    return rows.map((row) => ({ sessionId: row.id, ownerId: row.owner_id, expiresAt: row.expires_at.getTime() }));
  }

  /** Gives a claim back whose warning could not be announced. */
  async releaseWarning(sessionId: string): Promise<void> {
    await this.#rows('sweep-unwarn', sweepSql.releaseWarning, [sessionId]);
  }

  /** Expires those of the given sessions that are past their time, and says how many. */
  async expire(sessionIds: string[], now: number): Promise<number> {
    const values = [this.#timings.sessionTimeoutMillis, sessionIds.length, now, sessionIds];
    const [row] = await this.#rows<{ expired: number }>('sweep-expire', sweepSql.expire, values);
    return row!.expired;
  }

  /** Claims expiries nobody announced yet, those written from psql included. */
  async claimExpired(limit: number, now: number): Promise<ExpiredSession[]> {
    const rows = await this.#rows<ExpiredRow>('sweep-claim', sweepSql.claimExpired, [limit, now]);
    return rows.map(toExpired);
  }

  async isExpired(sessionId: string): Promise<boolean> {
    return (await this.#rows('sweep-is-expired', sweepSql.isExpired, [sessionId])).length > 0;
  }

  /** Ends a claim whose expiry was announced. */
  async confirmExpired(sessionId: string, now: number): Promise<void> {
    await this.#rows('sweep-confirm', sweepSql.confirmExpired, [sessionId, now]);
  }

  /** Gives a claim back whose expiry could not be announced. */
  async releaseExpired(sessionId: string): Promise<void> {
    await this.#rows('sweep-unclaim', sweepSql.releaseExpired, [sessionId]);
  }

  /** Takes the slots that somebody still holds in a session that is over. */
  async closeOrphans(limit: number, now: number): Promise<number> {
    return (await this.#rows('sweep-orphans', sweepSql.closeOrphans, [limit, now])).length;
  }

  /** Deletes sessions that ended a retention ago, with their participants and invites; what names their trail stays. */
  async purge(limit: number, now: number): Promise<number> {
    const values = [limit, this.#timings.sessionRetentionMillis, now];
    return (await this.#rows('sweep-purge', sweepSql.purge, values)).length;
  }

  /** Deletes what is left of purged sessions once their audit trail is past its own retention. */
  async forget(limit: number, now: number): Promise<number> {
    const values = [limit, this.#timings.activityRetentionMillis, now];
    return (await this.#rows('sweep-forget', sweepSql.forget, values)).length;
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

  async #rows<R extends object>(name: string, text: string, values: unknown[]): Promise<R[]> {
    const { rows } = await this.#database.query<R>({ name, text, values });
    return rows;
  }
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
