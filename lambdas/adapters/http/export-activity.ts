import type { ActivityItem } from '../../../protocol/entities.ts';
import { exportMediaTypes, toCsv, toNdjson } from '../../activity/activity-export.ts';
import type { ActivityQuery } from '../../activity/activity-query.ts';
import type { ActivityPage } from '../../activity/activity-reader.ts';
import { asSeenBy } from '../../flows/activity/read-activity.ts';
import type { Services } from '../../services/services.ts';
import type { Asker } from '../../sessions/asker.ts';
import type { HttpAnswer } from './http-adapter.ts';
import { httpPageBytes, querySchemas, readQuery } from './http-query.ts';
import { nextHeaders } from './next-headers.ts';

/**
 * One page of the audit trail of a session in the requested format. Every format names the next page in the headers `x-next`
 * and `link`; JSON also names it in the body. So a client reads an export of any size page by page.
 *
 * @param show makes an entry what the caller may see of it.
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

/** The same for all sessions of a key whose trail the caller may read, together in the order of time (rule SE11). */
export async function exportKeyPage(
  services: Services,
  key: string,
  asker: Asker,
  query: Record<string, string | undefined>,
): Promise<HttpAnswer> {
  const path = `/keys/${encodeURIComponent(key)}/activity`;
  const audited = await services.sessionKeys.audited(key, asker);
  const sessions = new Map(audited.map((session) => [session.id, session]));
  const trail = { name: `key ${key}`, sessionIds: [...sessions.keys()] };
  return exportOf({ key }, path, query, async (asked) => {
    const page = await services.activityReader.getActivityOf(trail, asked, httpPageBytes);
    return { ...page, items: page.items.map((item) => asSeenBy(asker.userId, sessions.get(item.sessionId)!)(item)) };
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

/** Only the first page has the names of the columns and the byte order mark, so that pages can be concatenated. */
function csv(items: ActivityItem[], before: string | undefined, bom: boolean): string {
  const isFirst = before === undefined;
  return toCsv(items, isFirst, isFirst && bom);
}
