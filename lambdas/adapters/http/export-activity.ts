import type { ActivityItem } from '../../../protocol/entities.ts';
import { exportMediaTypes, toCsv, toNdjson } from '../../activity/activity-export.ts';
import type { ActivityQuery } from '../../activity/activity-query.ts';
import type { ActivityPage } from '../../activity/activity-reader.ts';
import { asSeenBy } from '../../flows/activity/read-activity.ts';
import type { Services } from '../../services/services.ts';
import { httpPageBytes, querySchemas, readQuery } from './http-query.ts';
import type { HttpAnswer } from './http-route.ts';

/**
 * One page of a session's audit trail in the format asked for. The position of the next page is in the body of JSON, and in
 * the headers `x-next` and `link` of every format, so that an export of any size is read page by page.
 *
 * @param show an entry as the one who asks may see it.
 */
export async function exportPage(
  services: Services,
  sessionId: string,
  path: string,
  query: Record<string, string | undefined>,
  show: (item: ActivityItem) => ActivityItem = (item) => item,
): Promise<HttpAnswer> {
  return exportOf({ sessionId }, path, query, async (asked) => {
    const page = await services.activityReader.getSessionActivity(sessionId, asked, httpPageBytes);
    return { ...page, items: page.items.map(show) };
  });
}

/** The same for all sessions of a key whose trail the caller may read, in one order by time (rule SE11). */
export async function exportKeyPage(
  services: Services,
  key: string,
  userId: string,
  query: Record<string, string | undefined>,
): Promise<HttpAnswer> {
  const path = `/keys/${encodeURIComponent(key)}/activity`;
  const audited = await services.sessionKeys.audited(key, userId);
  const owners = new Map(audited.map((session) => [session.id, session]));
  const trail = { name: `key ${key}`, sessionIds: [...owners.keys()] };
  return exportOf({ key }, path, query, async (asked) => {
    const page = await services.activityReader.getActivityOf(trail, asked, httpPageBytes);
    return { ...page, items: page.items.map((item) => asSeenBy(userId, owners.get(item.sessionId)!)(item)) };
  });
}

async function exportOf(
  subject: { sessionId: string } | { key: string },
  path: string,
  query: Record<string, string | undefined>,
  read: (asked: ActivityQuery) => Promise<ActivityPage>,
): Promise<HttpAnswer> {
  const { format, type, bom, ...rest } = readQuery(querySchemas.activity, query);
  const { items, next } = await read({ ...rest, activityType: type });
  const headers = { 'content-type': exportMediaTypes[format], ...nextHeaders(path, query, next) };
  if (format === 'json') return { headers, body: { ...subject, items, next } };
  return { headers, body: format === 'csv' ? csv(items, rest.before, bom) : toNdjson(items) };
}

/** The names of the columns and the byte order mark stand above the first page only, so that pages can be put together. */
function csv(items: ActivityItem[], before: string | undefined, bom: boolean): string {
  const isFirst = before === undefined;
  return toCsv(items, isFirst, isFirst && bom);
}

function nextHeaders(
  path: string,
  query: Record<string, string | undefined>,
  next: string | undefined,
): Record<string, string> {
  if (next === undefined) return {};
  const given = Object.entries({ ...query, before: next }).filter((entry): entry is [string, string] =>
    Boolean(entry[1]),
  );
  return { 'x-next': next, link: `<${path}?${new URLSearchParams(given)}>; rel="next"` };
}
