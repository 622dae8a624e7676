import type { ActivityItem } from '../../protocol/entities.ts';
import { fitting } from '../../protocol/page.ts';
import { isUuid } from '../../protocol/uuid.ts';
import {
  type ActivityQuery,
  checkedUser,
  conditionOf,
  type Direction,
  idsOfUser,
  pageLimit,
  positionOf,
} from './activity-query.ts';
import type { Database } from './activity-repository.ts';
import { type EntryRow, linkColumns, linkJoins, toLinkedItem } from './linked-entry.ts';
import { encodeCursor, type PagePosition } from './page-cursor.ts';

export interface ActivityPage {
  items: ActivityItem[];
  /** The `before` of the next page; absent on the last page. */
  next?: string;
}

/** The trails of several sessions, read as one. */
export interface Trail {
  /** Part of the check value of page cursors, so that a cursor of one trail is invalid for another. */
  name: string;
  sessionIds: readonly string[];
}

const exportPageItems = 500;

interface Selection {
  items: ActivityItem[];
  /** The last link of the chain when the first page was read; undefined for several sessions. */
  head: number | undefined;
  /** The time of the newest entry of the session, on the first page of an export. */
  newestAt: number | undefined;
}

/** The name to show for an entry: the current name of the user, else their name at that time, else the name of the guest. */
export const nameOf = `coalesce(u.username, a.username, (
    SELECT p.name FROM session_participants p
    WHERE p.anonymous_id = a.user_id AND p.session_id = a.session_id AND p.name IS NOT NULL LIMIT 1))`;

/** Reads the entries of a session, a page at a time (rule AC4). */
export class ActivityReader {
  readonly #database: Pick<Database, 'query'>;

  constructor(database: Pick<Database, 'query'>) {
    this.#database = database;
  }

  /**
   * One page, newest first. An unknown session is an empty page.
   *
   * @param trail the UUID of a session, or several sessions.
   * @param maxBytes the largest size of the items as JSON; a page that reaches it holds fewer items than its limit.
   */
  async page(
    trail: string | Trail,
    query: ActivityQuery = {},
    maxBytes = Number.POSITIVE_INFINITY,
  ): Promise<ActivityPage> {
    const limit = pageLimit(query);
    const name = typeof trail === 'string' ? trail : trail.name;
    const position = positionOf(name, query);
    // One row more than the limit shows whether there is a next page.
    const { items: rows, head } = await this.#select(trail, query, position, 'newest', limit + 1);
    const items = fitting(rows.slice(0, limit), maxBytes);
    const last = items.at(-1);
    return rows.length > items.length && last
      ? { items, next: encodeCursor(name, { createdAt: last.createdAt, id: last.id, head }) }
      : { items };
  }

  /**
   * All matching entries, oldest first, with a few hundred in memory at a time. Entries after the newest one of the time at
   * which the first page is read are left out.
   */
  async *pages(sessionId: string, query: ActivityQuery): AsyncGenerator<ActivityItem[]> {
    let bounded = query;
    let position: PagePosition | undefined;
    for (;;) {
      const { items, head, newestAt } = await this.#select(sessionId, bounded, position, 'oldest', exportPageItems);
      if (items.length > 0) yield items;
      const last = items.at(-1);
      if (!last || items.length < exportPageItems) return;
      if (newestAt !== undefined) bounded = { ...query, to: Math.min(query.to ?? newestAt, newestAt) };
      position = { createdAt: last.createdAt, id: last.id, head };
    }
  }

  async #select(
    trail: string | Trail,
    query: ActivityQuery,
    position: PagePosition | undefined,
    direction: Direction,
    limit: number,
  ): Promise<Selection> {
    const isOne = typeof trail === 'string';
    const { name, text, values } = conditionOf(isOne ? trail : undefined, query, position, direction, 'person.id');
    const order = direction === 'newest' ? 'DESC' : 'ASC';
    const given = [...values, limit];
    const parameter = (value: unknown) => `$${given.push(value)}`;
    const ofOne = () => (isUuid(trail) ? `${parameter(trail)}::uuid` : undefined);
    const ids = (userId: string) => idsOfUser(parameter(userId), isOne ? ofOne() : 'session.id');
    // Each session and each id of a user is read by itself, with the index, and at most one page of each.
    const parts = [
      ...(isOne ? [] : [`unnest(${parameter(trail.sessionIds)}::uuid[]) AS session (id)`]),
      ...(query.userId === undefined ? [] : [`LATERAL (${ids(checkedUser(query.userId))}) AS person (id)`]),
    ];
    const condition = isOne ? text : ['session_id = session.id', text].filter(Boolean).join(' AND ');
    const limited = `SELECT * FROM activity_log WHERE ${condition}
      ORDER BY created_at ${order}, id ${order} LIMIT $${values.length + 1}`;
    const source =
      parts.length === 0
        ? limited
        : `SELECT e.* FROM ${parts.join(' CROSS JOIN ')} CROSS JOIN LATERAL (${limited}) e
          ORDER BY e.created_at ${order}, e.id ${order} LIMIT $${values.length + 1}`;
    const newest =
      direction === 'oldest' && !position
        ? `, (SELECT extract(epoch FROM max(m.created_at)) * 1000
            FROM activity_log m WHERE m.session_id = ${ofOne()})::float8 AS "newestAt"`
        : '';
    const { rows } = await this.#database.query<EntryRow & { newestAt?: number }>({
      name: `activity-page-${isOne ? '' : 'many-'}${direction}${name}`,
      text: `
        SELECT a.id, a.session_id AS "sessionId", a.user_id AS "userId", ${nameOf} AS username,
          a.activity_type AS "activityType", a.details::text AS details, host(a.ip_address) AS "ipAddress",
          a.user_agent AS "userAgent", (extract(epoch FROM a.created_at) * 1000)::float8 AS "createdAt", ${linkColumns}${newest}
        FROM (${source}) a LEFT JOIN users u ON u.id = a.user_id ${linkJoins}
        ORDER BY a.created_at ${order}, a.id ${order}`,
      values: given,
    });
    // A trail of several sessions has several chains.
    const head = isOne ? (position ? position.head : (rows[0]?.head ?? 0)) : undefined;
    return { items: rows.map((row) => toLinkedItem(row, head)), head, newestAt: rows[0]?.newestAt };
  }
}
