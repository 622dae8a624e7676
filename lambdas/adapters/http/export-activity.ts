import type { ActivityItem } from '../../../protocol/entities.ts';
import { exportMediaTypes, toCsv, toNdjson } from '../../activity/activity-export.ts';
import { activityReader } from '../../services/activity.ts';
import { httpPageBytes, querySchemas, readQuery } from './http-query.ts';
import type { HttpAnswer } from './http-route.ts';

/**
 * One page of a session's audit trail in the format asked for. The place of the next page is in the body of JSON, and in
 * the headers `x-next` and `link` of every format, so that an export of any size is read page by page.
 *
 * @param show an entry as the one who asks may see it.
 */
export async function exportPage(
  sessionId: string,
  path: string,
  query: Record<string, string | undefined>,
  show: (item: ActivityItem) => ActivityItem = (item) => item,
): Promise<HttpAnswer> {
  const { format, type, bom, ...rest } = readQuery(querySchemas.activity, query);
  const asked = { ...rest, activityType: type };
  const { items: found, next } = await activityReader().getSessionActivity(sessionId, asked, httpPageBytes);
  const items = found.map(show);
  const headers = { 'content-type': exportMediaTypes[format], ...nextHeaders(path, query, next) };
  if (format === 'json') return { headers, body: { sessionId, items, next } };
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
