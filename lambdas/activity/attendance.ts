import { RollcallError } from '../../protocol/errors.ts';
import { isUuid } from '../../protocol/uuid.ts';
import { checkedTime, pageLimit } from './activity-query.ts';
import type { Database } from './activity-repository.ts';
import { decodeCursor, encodeCursor } from './page-cursor.ts';
import { type AgentColumns, withoutEmpty } from './presence-history.ts';
import { lastJoinsOf, staysOfPeople } from './stays-sql.ts';

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
  /** How many stays there were; two tabs, or a guest and the user who they are, at the same time are one stay. */
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

const to = 'to_timestamp($3::float8 / 1000)';
const attendance = `
  WITH ${staysOfPeople(`created_at <= ${to}`)}, ${lastJoinsOf(to)}, within AS (
    SELECT user_id, began, greatest(began, to_timestamp($2::float8 / 1000)) AS since, coalesce(ended, ${to}) AS until, ended IS NULL AS open
    FROM stays
  ), sums AS (
    SELECT user_id, min(since) AS first, max(until) AS last, sum(until - since) AS total, count(*) AS stays, bool_or(open) AS open
    FROM within WHERE began >= to_timestamp($2::float8 / 1000) OR until > since GROUP BY user_id
  )
  SELECT s.user_id AS "userId", coalesce(u.username, j.username) AS username, j.role,
    (extract(epoch FROM s.first) * 1000)::float8 AS "firstSeenAt", (extract(epoch FROM s.last) * 1000)::float8 AS "lastSeenAt",
    (extract(epoch FROM s.total) * 1000)::float8 AS "totalMillis", s.stays::float8 AS stays, s.open AS "isPresent",
    j.kind, j.on_behalf_of AS "onBehalfOf"
  FROM sums s
  JOIN last_join j ON j.user_id = s.user_id
  LEFT JOIN users u ON u.id = s.user_id
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
