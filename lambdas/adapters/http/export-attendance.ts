import { attendanceCsv, exportMediaTypes } from '../../activity/activity-export.ts';
import type { Services } from '../../services/services.ts';
import type { HttpAnswer } from './http-adapter.ts';
import { querySchemas, readQuery } from './http-query.ts';
import { nextHeaders } from './next-headers.ts';

/**
 * One page of the attendance of a session, as JSON or CSV. Only the first page of CSV has the names of the columns, so that
 * pages can be concatenated. Without `to`, the period ends now, and the next page ends at the same time.
 */
export async function exportAttendance(
  services: Services,
  sessionId: string,
  query: Record<string, string | undefined>,
): Promise<HttpAnswer> {
  const { format, bom, ...asked } = readQuery(querySchemas.attendance, query);
  const to = asked.to ?? Math.max(services.clock(), asked.from ?? 0);
  const { items, next } = await services.activityReports.attendance(sessionId, { ...asked, to });
  const path = `/sessions/${sessionId}/attendance`;
  const headers = {
    'content-type': exportMediaTypes[format],
    ...nextHeaders(path, { ...query, to: String(to) }, next),
  };
  if (format === 'json') return { headers, body: { sessionId, from: asked.from ?? 0, to, items, next } };
  const isFirst = asked.before === undefined;
  return { headers, body: attendanceCsv(items, isFirst, isFirst && bom) };
}
