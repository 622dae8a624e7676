import type { ActivityItem } from '../../protocol/entities.ts';
import { fitting } from '../../protocol/page.ts';
import { type ActivityQuery, conditionOf, type Direction, pageLimit, placeOf } from './activity-query.ts';
import type { Database } from './activity-repository.ts';
import { encodeCursor, type PagePlace } from './page-cursor.ts';

export interface ActivityPage {
  items: ActivityItem[];
  /** Give it as `before` for the next page; absent on the last one. */
  next?: string;
}

const exportPageItems = 500;

/** The best known name of an entry's person: the user's now, else the one they had then, else the guest's. */
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
   * @param maxBytes of the items' JSON; a page that would have more ends before its limit.
   */
  async page(sessionId: string, query: ActivityQuery = {}, maxBytes = Number.POSITIVE_INFINITY): Promise<ActivityPage> {
    const limit = pageLimit(query);
    const place = placeOf(sessionId, query);
    // One more than asked for tells whether there is a next page.
    const rows = await this.#select(sessionId, query, place, 'newest', limit + 1);
    const items = fitting(rows.slice(0, limit), maxBytes);
    const last = items.at(-1);
    return rows.length > items.length && last ? { items, next: encodeCursor(sessionId, last) } : { items };
  }

  /** Every entry that matches, oldest first, a few hundred in memory at a time. Entries that come later are left out. */
  async *pages(sessionId: string, query: ActivityQuery, now: number): AsyncGenerator<ActivityItem[]> {
    const bounded = { ...query, to: Math.min(query.to ?? now, now) };
    let place: PagePlace | undefined;
    for (;;) {
      const items = await this.#select(sessionId, bounded, place, 'oldest', exportPageItems);
      if (items.length > 0) yield items;
      if (items.length < exportPageItems) return;
      place = items.at(-1);
    }
  }

  async #select(
    sessionId: string,
    query: ActivityQuery,
    place: PagePlace | undefined,
    direction: Direction,
    limit: number,
  ): Promise<ActivityItem[]> {
    const { name, text, values } = conditionOf(sessionId, query, place, direction);
    const order = direction === 'newest' ? 'DESC' : 'ASC';
    const { rows } = await this.#database.query<ActivityItem>({
      name: `activity-page-${direction}${name}`,
      text: `
        SELECT a.id, a.session_id AS "sessionId", a.user_id AS "userId", ${nameOf} AS username,
          a.activity_type AS "activityType", a.details, host(a.ip_address) AS "ipAddress", a.user_agent AS "userAgent",
          (extract(epoch FROM a.created_at) * 1000)::float8 AS "createdAt"
        FROM (
          SELECT * FROM activity_log WHERE ${text} ORDER BY created_at ${order}, id ${order} LIMIT $${values.length + 1}
        ) a LEFT JOIN users u ON u.id = a.user_id
        ORDER BY a.created_at ${order}, a.id ${order}`,
      values: [...values, limit],
    });
    return rows;
  }
}
