import { RollcallError } from '../../protocol/errors.ts';
import { isUuid } from '../../protocol/uuid.ts';
import { checkedTime, pageLimit } from './activity-query.ts';
import type { Database } from './activity-repository.ts';
import { decodeCursor, encodeCursor } from './page-cursor.ts';
import { type AgentColumns, withoutEmpty } from './presence-history.ts';

/** How long a user was present in a session within a period. Times are Unix milliseconds. */
export interface Attendance {
  userId: string;
  username: string | null;
  /** The role at the last join. */
  role: string | null;
  firstSeenAt: number;
  /** The end of the last stay, or the end of the period for a user who is still present. */
  lastSeenAt: number;
  totalMillis: number;
  /** How many stays there were; two tabs at the same time are one stay. */
  stays: number;
  /** Whether the user is present at the end of the period. */
  isPresent: boolean;
  /** Present for an agent, with the user for whom it acted last. */
  kind?: 'agent';
  onBehalfOf?: string;
}

/** A period; both ends are optional. */
export interface AttendanceQuery {
  from?: number | undefined;
  to?: number | undefined;
  limit?: number | undefined;
  /** The `next` of the page before. */
  before?: string | undefined;
}

export interface AttendancePage {
  items: Attendance[];
  next?: string;
}

/**
 * A stay begins with a join and ends with the next leave or the next end of the session. If both have the same time, the end
 * of the session counts last, as in `PresenceHistory`. The stay of a guest who signed in is a stay of the user (rule SE15).
 */
const attendance = `
  WITH movements AS (
    SELECT coalesce(g.user_id, l.user_id) AS user_id, l.created_at AS at, l.id, l.activity_type = 'user_joined' AS joins,
      l.username, l.details->>'role' AS role, l.details->>'kind' AS kind, l.details->>'onBehalfOf' AS on_behalf_of
    FROM activity_log l
    LEFT JOIN guest_identities g ON g.session_id = l.session_id AND g.guest_id = l.user_id
    WHERE l.session_id = $1::uuid AND l.user_id IS NOT NULL AND l.created_at <= to_timestamp($3::float8 / 1000)
      AND l.activity_type IN ('user_joined', 'user_left', 'user_timeout')
  ), ends AS (
    SELECT created_at AS at FROM activity_log
    WHERE session_id = $1::uuid AND activity_type IN ('session_ended', 'session_expired')
      AND created_at <= to_timestamp($3::float8 / 1000)
  ), steps AS (
    SELECT user_id, at, id, joins FROM movements
    UNION ALL
    SELECT user_id, ends.at, NULL, false FROM (SELECT DISTINCT user_id FROM movements) people CROSS JOIN ends
  ), changes AS (
    SELECT *, lag(joins, 1, false) OVER inOrder AS before FROM steps
    WINDOW inOrder AS (PARTITION BY user_id ORDER BY at, id NULLS LAST)
  ), stays AS (
    SELECT user_id, joins, at, greatest(at, to_timestamp($2::float8 / 1000)) AS since,
      coalesce(lead(at) OVER (PARTITION BY user_id ORDER BY at, id NULLS LAST), to_timestamp($3::float8 / 1000)) AS until,
      lead(at) OVER (PARTITION BY user_id ORDER BY at, id NULLS LAST) IS NULL AS open
    FROM changes WHERE joins <> before
  ), sums AS (
    SELECT user_id, min(since) AS first, max(until) AS last, sum(until - since) AS total, count(*) AS stays, bool_or(open) AS open
    FROM stays WHERE joins AND (at >= to_timestamp($2::float8 / 1000) OR until > since) GROUP BY user_id
  )
  SELECT s.user_id AS "userId", coalesce(u.username, last_join.username) AS username, last_join.role,
    (extract(epoch FROM s.first) * 1000)::float8 AS "firstSeenAt", (extract(epoch FROM s.last) * 1000)::float8 AS "lastSeenAt",
    (extract(epoch FROM s.total) * 1000)::float8 AS "totalMillis", s.stays::float8 AS stays, s.open AS "isPresent",
    last_join.kind, coalesce(reassignment.details->>'onBehalfOf', CASE WHEN reassignment.details IS NULL THEN last_join.on_behalf_of END) AS "onBehalfOf"
  FROM sums s
  LEFT JOIN users u ON u.id = s.user_id
  CROSS JOIN LATERAL (
    SELECT m.at, m.username, m.role, m.kind, m.on_behalf_of FROM movements m WHERE m.user_id = s.user_id AND m.joins ORDER BY m.at DESC, m.id DESC LIMIT 1
  ) last_join
  LEFT JOIN LATERAL (
    SELECT l.details FROM activity_log l
    WHERE l.session_id = $1::uuid AND l.user_id = s.user_id AND l.activity_type = 'agent_reassigned'
      AND l.created_at >= last_join.at AND l.created_at <= to_timestamp($3::float8 / 1000)
    ORDER BY l.created_at DESC, l.id DESC LIMIT 1
  ) reassignment ON last_join.kind = 'agent'
  WHERE $4::float8 IS NULL OR (s.first, s.user_id) > (to_timestamp($4::float8 / 1000)::timestamptz(3), $5::uuid)
  ORDER BY s.first, s.user_id LIMIT $6`;

/** Who attended a session, and how long, according to the audit trail. */
export class AttendanceReport {
  readonly #database: Pick<Database, 'query'>;

  constructor(database: Pick<Database, 'query'>) {
    this.#database = database;
  }

  /**
   * One page, in the order of the first sign of each user. An unknown session is an empty page.
   *
   * @param now the end of the period if the query has none, Unix milliseconds.
   * @throws RollcallError INVALID_MESSAGE for an invalid time, limit or cursor, or a period that ends before it begins.
   */
  async page(sessionId: string, query: AttendanceQuery, now: number): Promise<AttendancePage> {
    const limit = pageLimit(query);
    const from = checkedTime(query.from ?? 0);
    const to = checkedTime(query.to ?? Math.max(now, from));
    if (to < from) throw new RollcallError('INVALID_MESSAGE', 'The period must not end before it begins.');
    const name = `attendance ${sessionId} ${from}`;
    const position = query.before === undefined ? undefined : decodeCursor(name, query.before);
    if (!isUuid(sessionId)) return { items: [] };
    const values = [sessionId, from, to, position?.createdAt ?? null, position?.id ?? null, limit + 1];
    const { rows } = await this.#database.query<AgentColumns & Attendance>(attendance, values);
    const items = rows.slice(0, limit).map(withoutEmpty);
    const last = items.at(-1);
    if (rows.length <= limit || !last) return { items };
    return { items, next: encodeCursor(name, { createdAt: last.firstSeenAt, id: last.userId }) };
  }
}
