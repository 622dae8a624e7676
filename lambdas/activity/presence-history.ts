import type { Stay } from '../../protocol/entities.ts';
import { isUuid } from '../../protocol/uuid.ts';
import { checkedTime } from './activity-query.ts';
import { nameOf } from './activity-reader.ts';
import type { Database } from './activity-repository.ts';

/**
 * Who was present at $2. A user was present if their last movement up to that time is a join and the session did not end
 * after it. The first departure after that time says when and why they left.
 */
const whoWasHere = `
  WITH last_event AS (
    SELECT DISTINCT ON (user_id) session_id, user_id, username, activity_type, details, created_at, id
    FROM activity_log
    WHERE session_id = $1::uuid AND user_id IS NOT NULL
      AND activity_type IN ('user_joined', 'user_left', 'user_timeout')
      AND created_at <= to_timestamp($2::float8 / 1000)
    ORDER BY user_id, created_at DESC, id DESC
  ), last_end AS (
    SELECT max(created_at) AS at FROM activity_log
    WHERE session_id = $1::uuid AND activity_type IN ('session_ended', 'session_expired')
      AND created_at <= to_timestamp($2::float8 / 1000)
  ), next_end AS (
    SELECT activity_type AS cause, created_at AS at FROM activity_log
    WHERE session_id = $1::uuid AND activity_type IN ('session_ended', 'session_expired')
      AND created_at > to_timestamp($2::float8 / 1000)
    ORDER BY created_at, id LIMIT 1
  )
  SELECT a.user_id AS "userId", ${nameOf} AS username, a.details->>'role' AS role,
    (extract(epoch FROM a.created_at) * 1000)::float8 AS "joinedAt",
    (extract(epoch FROM least(departure.at, next_end.at)) * 1000)::float8 AS "leftAt",
    CASE WHEN departure.at <= coalesce(next_end.at, 'infinity') THEN departure.cause ELSE next_end.cause END AS cause
  FROM last_event a
  LEFT JOIN users u ON u.id = a.user_id
  LEFT JOIN next_end ON true
  LEFT JOIN LATERAL (
    SELECT g.created_at AS at,
      CASE g.activity_type WHEN 'user_timeout' THEN 'timeout' ELSE g.details->>'cause' END AS cause
    FROM activity_log g
    WHERE g.session_id = $1::uuid AND g.user_id = a.user_id AND g.activity_type IN ('user_left', 'user_timeout')
      AND g.created_at > to_timestamp($2::float8 / 1000)
    ORDER BY g.created_at, g.id LIMIT 1
  ) departure ON true
  WHERE a.activity_type = 'user_joined' AND a.created_at > coalesce((SELECT at FROM last_end), '-infinity')
  ORDER BY a.created_at, a.user_id`;

const lastMovements = `
  SELECT given.ordinal::integer AS ordinal, last.type, last.at
  FROM unnest($1::uuid[], $2::uuid[], $3::float8[]) WITH ORDINALITY AS given (session_id, user_id, until, ordinal)
  CROSS JOIN LATERAL (
    SELECT activity_type AS type, (extract(epoch FROM created_at) * 1000)::float8 AS at FROM activity_log
    WHERE session_id = given.session_id AND user_id = given.user_id
      AND activity_type IN ('user_joined', 'user_left', 'user_timeout')
      AND created_at <= coalesce(to_timestamp(given.until / 1000), 'infinity')
    ORDER BY created_at DESC, id DESC LIMIT 1
  ) last`;

/** Asks for the last movement of a user in a session up to a time (Unix milliseconds). */
export interface MovementQuery {
  sessionId: string;
  userId: string;
  /** Absent: the last movement of all. */
  until?: number | undefined;
}

/** A movement as the audit trail has it. */
export interface Movement {
  type: 'user_joined' | 'user_left' | 'user_timeout';
  /** Unix milliseconds. */
  at: number;
}

/** Who was present at past times, according to the audit trail. */
export class PresenceHistory {
  readonly #database: Pick<Database, 'query'>;

  constructor(database: Pick<Database, 'query'>) {
    this.#database = database;
  }

  /**
   * All users who were present at a time (Unix milliseconds), in the order of their joins.
   *
   * @throws RollcallError INVALID_MESSAGE for an invalid time.
   */
  async whoWasHere(sessionId: string, at: number): Promise<Stay[]> {
    if (!isUuid(sessionId)) return [];
    const { rows } = await this.#database.query<Stay>(whoWasHere, [sessionId, checkedTime(at)]);
    return rows;
  }

  /**
   * The last movements of many users, in one statement and in the order of the queries; undefined if the trail has none.
   */
  async lastMovements(queries: readonly MovementQuery[]): Promise<(Movement | undefined)[]> {
    if (queries.length === 0) return [];
    const { rows } = await this.#database.query<Movement & { ordinal: number }>({
      name: 'activity-movements',
      text: lastMovements,
      values: [
        queries.map(({ sessionId }) => sessionId),
        queries.map(({ userId }) => userId),
        queries.map(({ until }) => until ?? null),
      ],
    });
    const found: (Movement | undefined)[] = queries.map(() => undefined);
    for (const { ordinal, type, at } of rows) found[ordinal - 1] = { type, at };
    return found;
  }
}
