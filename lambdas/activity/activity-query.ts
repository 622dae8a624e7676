import { RollcallError } from '../../protocol/errors.ts';
import { limits } from '../../protocol/limits.ts';
import { isUuid } from '../../protocol/uuid.ts';
import { decodeCursor, type PagePosition } from './page-cursor.ts';

/** A query for entries of a session. Times are Unix milliseconds; both ends are included. */
export interface ActivityQuery {
  /** Entries per page, 1 to 1,000; 100 by default. */
  limit?: number | undefined;
  /** The `next` of the page before. */
  before?: string | undefined;
  activityType?: string | undefined;
  userId?: string | undefined;
  from?: number | undefined;
  to?: number | undefined;
}

/** Newest first, or oldest first for exports. */
export type Direction = 'newest' | 'oldest';

export const defaultPageItems = 100;
/** The latest time that both PostgreSQL and JavaScript can express. */
const latestMillis = 8.64e15;

export function pageLimit(query: ActivityQuery): number {
  const limit = query.limit ?? defaultPageItems;
  if (Number.isInteger(limit) && limit >= 1 && limit <= limits.pageItems) return limit;
  throw new RollcallError('INVALID_MESSAGE', `The limit must be a whole number from 1 to ${limits.pageItems}.`);
}

export function positionOf(sessionId: string, query: ActivityQuery): PagePosition | undefined {
  return query.before === undefined ? undefined : decodeCursor(sessionId, query.before);
}

/** A condition on `activity_log` and its parameter values. Conditions of the same shape have the same `name`. */
export interface Condition {
  name: string;
  text: string;
  values: unknown[];
}

/**
 * The ids of a user: their own, and those of the guests who they were before they signed in (rule SE15).
 *
 * @param session the SQL expression of the only session that is asked about. Undefined: any session.
 */
export const idsOfUser = (userId: string, session?: string) => `
  SELECT ids.id FROM (SELECT ${userId}::uuid) AS u (id)
  CROSS JOIN LATERAL (
    SELECT u.id
    UNION ALL
    SELECT g.guest_id FROM guest_identities g WHERE g.user_id = u.id${session ? ` AND g.session_id = ${session}` : ''}
  ) ids`;

/**
 * The SQL condition of a query. It contains only the filters of the query, so PostgreSQL plans each combination of filters
 * separately. A `sessionId` that is not a UUID matches nothing.
 *
 * @param sessionId undefined if the caller adds the condition on the sessions.
 * @param userId the SQL expression of the user's id, if the caller joins {@link idsOfUser}; then it is no value of the condition.
 * @throws RollcallError INVALID_MESSAGE for an invalid user id or time.
 */
export function conditionOf(
  sessionId: string | undefined,
  query: ActivityQuery,
  position?: PagePosition,
  direction: Direction = 'newest',
  userId?: string,
): Condition {
  const condition: Condition = { name: '', text: '', values: [] };
  const parameter = (value: unknown) => `$${condition.values.push(value)}`;
  const add = (name: string, text: string) => {
    condition.name += `-${name}`;
    condition.text += `${condition.text && ' AND '}${text}`;
  };
  const time = (millis: number) => `to_timestamp(${parameter(millis)}::float8 / 1000)`;
  const session = sessionId !== undefined && isUuid(sessionId) ? `${parameter(sessionId)}::uuid` : undefined;
  if (session) add('session', `session_id = ${session}`);
  else if (sessionId !== undefined) add('nowhere', 'false');
  if (query.userId !== undefined && userId !== undefined) add('user', `user_id = ${userId}`);
  else if (query.userId !== undefined)
    add('user', `user_id = ANY (ARRAY(${idsOfUser(parameter(checkedUser(query.userId)), session)}))`);
  if (query.activityType !== undefined)
    add('type', `activity_type = ${parameter(query.activityType.replaceAll('\0', '\ufffd'))}`);
  if (query.from !== undefined) add('from', `created_at >= ${time(checkedTime(query.from))}`);
  if (query.to !== undefined) add('to', `created_at <= ${time(checkedTime(query.to))}`);
  if (position) {
    const comparison = direction === 'newest' ? '<' : '>';
    const place = `${time(position.createdAt)}::timestamptz(3), ${parameter(position.id)}::uuid`;
    add(direction, `(created_at, id) ${comparison} (${place})`);
  }
  return condition;
}

export function checkedUser(userId: string): string {
  if (isUuid(userId)) return userId;
  throw new RollcallError('INVALID_MESSAGE', 'The user to filter by must be a UUID.');
}

/** @throws RollcallError INVALID_MESSAGE if it is not a time in Unix milliseconds. */
export function checkedTime(time: number): number {
  if (Number.isFinite(time) && time >= 0 && time <= latestMillis) return time;
  throw new RollcallError('INVALID_MESSAGE', 'A time must be given in Unix milliseconds.');
}
