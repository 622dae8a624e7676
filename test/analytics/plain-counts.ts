import type { Pool } from 'pg';
import type { Period, Step } from '../../lambdas/analytics/reports.ts';

/** The same figures as the reports, counted from the audit trail by plain SQL. */
export class PlainCounts {
  readonly #pool: Pool;
  readonly #period: Period;

  constructor(pool: Pool, period: Period) {
    this.#pool = pool;
    this.#period = period;
  }

  usage(step: Step) {
    return this.#rows(
      `WITH moves AS MATERIALIZED (
         SELECT created_at, CASE activity_type WHEN 'user_joined' THEN 1 ELSE -1 END AS change FROM activity_log
         WHERE activity_type IN ('user_joined', 'user_left', 'user_timeout') AND ${ofPeople}
           OR activity_type = 'guest_signed_in' AND details->>'stayEnded' = 'true'
       ), present AS MATERIALIZED (
         SELECT m AS minute, (SELECT coalesce(sum(change), 0) FROM moves WHERE created_at < m) AS people
         FROM generate_series(to_timestamp($1::float8 / 1000), to_timestamp($2::float8 / 1000), interval '1 minute') m
       )
       SELECT (extract(epoch FROM t) * 1000)::float8 AS at,
         count(a.id)::float8 AS entries,
         count(*) FILTER (WHERE a.activity_type = 'user_joined' AND ${ofPeople})::float8 AS joins,
         count(*) FILTER (WHERE a.activity_type IN ('user_left', 'user_timeout') AND ${ofPeople})::float8 AS leaves,
         (SELECT max(people) FROM present WHERE minute >= t AND minute <= t + $3::interval)::float8 AS "peakPeople",
         count(*) FILTER (WHERE a.activity_type = 'session_created')::float8 AS "sessionsCreated",
         count(*) FILTER (WHERE a.activity_type IN ('session_ended', 'session_expired'))::float8 AS "sessionsEnded",
         count(*) FILTER (WHERE a.activity_type = 'user_joined' AND NOT ${ofPeople})::float8 AS "agentJoins"
       FROM generate_series(to_timestamp($1::float8 / 1000), to_timestamp($2::float8 / 1000) - $3::interval, $3::interval) t
       LEFT JOIN activity_log a ON a.created_at >= t AND a.created_at < t + $3::interval
       GROUP BY t ORDER BY t`,
      step === 'day' ? '24 hours' : '1 hour',
    );
  }

  people() {
    return this.#rows(
      `WITH signed_in AS (
         SELECT details->>'guestId' AS guest, user_id AS person FROM activity_log WHERE activity_type = 'guest_signed_in'
       ), days AS (
         SELECT DISTINCT (created_at AT TIME ZONE 'UTC')::date AS day, coalesce(s.person, user_id) AS user_id
         FROM activity_log LEFT JOIN signed_in s ON s.guest = user_id::text WHERE user_id IS NOT NULL
           AND (activity_type NOT IN ('user_joined', 'user_left', 'user_timeout') OR ${ofPeople})
       )
       SELECT (extract(epoch FROM t) * 1000)::float8 AS at, count(d.user_id)::float8 AS people,
         count(*) FILTER (WHERE EXISTS (SELECT FROM days e WHERE e.user_id = d.user_id AND e.day < d.day))::float8 AS "returning",
         count(*) FILTER (WHERE d.user_id IS NOT NULL
           AND NOT EXISTS (SELECT FROM days e WHERE e.user_id = d.user_id AND e.day < d.day))::float8 AS "firstTime"
       FROM generate_series(to_timestamp($1::float8 / 1000), to_timestamp($2::float8 / 1000) - interval '24 hours', interval '24 hours') t
       LEFT JOIN days d ON d.day = (t AT TIME ZONE 'UTC')::date
       GROUP BY t ORDER BY t`,
    );
  }

  leaves() {
    return this.#rows(
      `SELECT floor(extract(epoch FROM created_at) / 86400)::float8 * 86400000 AS at,
         coalesce(details->>'cause', 'timeout') AS cause, count(*)::float8 AS count
       FROM activity_log WHERE activity_type IN ('user_left', 'user_timeout') AND ${ofPeople} AND ${within} GROUP BY 1, 2
       ORDER BY 1, 3 DESC, 2`,
    );
  }

  activities() {
    return this.#rows(
      `SELECT activity_type AS "activityType", count(*)::float8 AS count FROM activity_log WHERE ${within}
       GROUP BY 1 ORDER BY 2 DESC, 1`,
    );
  }

  /** The length of each stay and each session that ended, in seconds. */
  lengths(): Promise<{ of: string; seconds: number }[]> {
    return this.#rows(
      `SELECT 'stay' AS of, (details->>'durationSeconds')::float8 AS seconds FROM activity_log
       WHERE activity_type IN ('user_left', 'user_timeout') AND ${ofPeople} AND ${within}
       UNION ALL
       SELECT 'session', round(extract(epoch FROM a.created_at - b.created_at))::float8
       FROM activity_log a JOIN activity_log b ON b.session_id = a.session_id AND b.activity_type = 'session_created'
       WHERE a.activity_type IN ('session_ended', 'session_expired') AND ${within.replaceAll('created_at', 'a.created_at')}`,
    );
  }

  sessions(by: 'entries' | 'joins') {
    return this.#rows(
      `SELECT to_char(created_at AT TIME ZONE 'UTC', 'YYYY-MM-DD') AS day, session_id AS "sessionId",
         count(*)::float8 AS entries, count(*) FILTER (WHERE activity_type = 'user_joined' AND ${ofPeople})::float8 AS joins
       FROM activity_log WHERE ${within} GROUP BY 1, 2 ORDER BY ${by} DESC, 1 DESC, 2 DESC`,
    );
  }

  // biome-ignore lint/suspicious/noExplicitAny: each statement has rows of its own.
  async #rows(text: string, ...more: unknown[]): Promise<any[]> {
    return (await this.#pool.query(text, [this.#period.from, this.#period.to, ...more])).rows;
  }
}

const within = 'created_at >= to_timestamp($1::float8 / 1000) AND created_at < to_timestamp($2::float8 / 1000)';
/** The movements of agents say so. */
const ofPeople = `details->>'kind' IS DISTINCT FROM 'agent'`;
