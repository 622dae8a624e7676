import { RollcallError } from '../../protocol/errors.ts';
import { type ActivityQuery, conditionOf } from './activity-query.ts';
import { nameOf } from './activity-reader.ts';
import type { Database } from './activity-repository.ts';

export interface UserActivity {
  userId: string;
  username: string | null;
  count: number;
}

/** Statistics of a session. Times are Unix milliseconds, or null if the session has no entries. */
export interface ActivityStatistics {
  sessionId: string;
  totalActivities: number;
  uniqueUsers: number;
  firstActivityAt: number | null;
  lastActivityAt: number | null;
  byType: Record<string, number>;
  /** The most active users first, at most 100. */
  byUser: UserActivity[];
}

export interface TimelineBucket {
  /** The beginning of the bucket, Unix milliseconds. */
  at: number;
  count: number;
}

const reportedUsers = 100;
const reportedBuckets = 10_000;

type Sums = Omit<ActivityStatistics, 'sessionId' | 'byType' | 'byUser'> & {
  byType: { type: string; count: number }[] | null;
  byUser: UserActivity[] | null;
};

/**
 * Reads the entries once and makes one row for each type and user. All other numbers are sums of these rows.
 * A guest who signed in counts as the user (rule SE15).
 */
const sumsOf = (condition: string) => `
  WITH pairs AS MATERIALIZED (
    SELECT activity_type, session_id, user_id, max(username) AS username, count(*) AS count,
      min(created_at) AS first_at, max(created_at) AS last_at
    FROM activity_log WHERE ${condition} GROUP BY activity_type, session_id, user_id
  ), persons AS (
    SELECT p.*, coalesce(g.user_id, p.user_id) AS person_id FROM pairs p
    LEFT JOIN guest_identities g ON g.session_id = p.session_id AND g.guest_id = p.user_id
  ), types AS (
    SELECT activity_type, sum(count)::float8 AS count FROM pairs GROUP BY activity_type
  ), people AS (
    SELECT session_id, person_id AS user_id, max(username) AS username, sum(count)::float8 AS count FROM persons
    WHERE person_id IS NOT NULL GROUP BY session_id, person_id ORDER BY count DESC, person_id LIMIT ${reportedUsers}
  )
  SELECT coalesce(sum(count), 0)::float8 AS "totalActivities", count(DISTINCT person_id)::float8 AS "uniqueUsers",
    (extract(epoch FROM min(first_at)) * 1000)::float8 AS "firstActivityAt",
    (extract(epoch FROM max(last_at)) * 1000)::float8 AS "lastActivityAt",
    (SELECT json_agg(json_build_object('type', activity_type, 'count', count) ORDER BY count DESC, activity_type)
      FROM types) AS "byType",
    (SELECT json_agg(json_build_object('userId', a.user_id, 'username', ${nameOf}, 'count', a.count)
        ORDER BY a.count DESC, a.user_id)
      FROM people a LEFT JOIN users u ON u.id = a.user_id) AS "byUser"
  FROM persons`;

/** Sums over the activity of a session. */
export class ActivityReports {
  readonly #database: Pick<Database, 'query'>;

  constructor(database: Pick<Database, 'query'>) {
    this.#database = database;
  }

  async statistics(sessionId: string): Promise<ActivityStatistics> {
    const { text, values } = conditionOf(sessionId, {});
    const { rows } = await this.#database.query<Sums>(sumsOf(text), values);
    const { byType, byUser, ...totals } = rows[0]!;
    const counts = (byType ?? []).map(({ type, count }): [string, number] => [type, count]);
    return { sessionId, ...totals, byType: Object.fromEntries(counts), byUser: byUser ?? [] };
  }

  /** How many entries there are of each type, the most frequent first. */
  async countsByType(sessionId: string, query: ActivityQuery = {}): Promise<Record<string, number>> {
    const { text, values } = conditionOf(sessionId, query);
    const { rows } = await this.#database.query<{ type: string; count: number }>(
      `SELECT activity_type AS type, count(*)::float8 AS count FROM activity_log WHERE ${text}
       GROUP BY activity_type ORDER BY count DESC, type`,
      values,
    );
    return Object.fromEntries(rows.map((row) => [row.type, row.count]));
  }

  /**
   * The number of entries in each bucket of `bucketMillis`. Empty buckets are left out.
   *
   * @throws RollcallError INVALID_MESSAGE if the buckets are too small.
   */
  async timeline(sessionId: string, bucketMillis: number, query: ActivityQuery = {}): Promise<TimelineBucket[]> {
    if (!(bucketMillis >= 1000))
      throw new RollcallError('INVALID_MESSAGE', 'The steps of a timeline must be one second or longer.');
    const { text, values } = conditionOf(sessionId, query);
    const { rows } = await this.#database.query<TimelineBucket>(
      `SELECT floor(extract(epoch FROM created_at) * 1000 / $${values.length + 1}::float8) * $${values.length + 1} AS at,
         count(*)::float8 AS count
       FROM activity_log WHERE ${text} GROUP BY 1 ORDER BY 1 LIMIT ${reportedBuckets}`,
      [...values, bucketMillis],
    );
    return rows;
  }
}
