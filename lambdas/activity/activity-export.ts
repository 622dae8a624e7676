import type { ActivityItem } from '../../protocol/entities.ts';
import { csvPage } from '../platform/csv.ts';
import type { Attendance } from './attendance.ts';

export const exportFormats = ['csv', 'json', 'ndjson'] as const;
export type ExportFormat = (typeof exportFormats)[number];

/** The media type of each format, for the header `content-type`. */
export const exportMediaTypes: Record<ExportFormat, string> = {
  csv: 'text/csv; charset=utf-8',
  json: 'application/json; charset=utf-8',
  ndjson: 'application/x-ndjson; charset=utf-8',
};

const columns = [
  'id',
  'sessionId',
  'createdAt',
  'activityType',
  'userId',
  'username',
  'ipAddress',
  'userAgent',
  'details',
  'sequence',
  'previousHash',
  'hash',
  'link',
];

const attendanceColumns = [
  'userId',
  'username',
  'role',
  'firstSeenAt',
  'lastSeenAt',
  'totalSeconds',
  'stays',
  'isPresent',
];

/**
 * One page as CSV, in the form of `csvPage`.
 *
 * @param header whether the page begins with the names of the columns.
 * @param bom whether it begins with a byte order mark, from which Excel detects UTF-8.
 */
export function toCsv(items: readonly ActivityItem[], header: boolean, bom = false): string {
  const records = items.map((item) => ({
    ...item,
    createdAt: new Date(item.createdAt).toISOString(),
    details: JSON.stringify(item.details),
    ...linkColumns(item),
  }));
  return csvPage(records, columns, { header, bom });
}

/** One page of attendance as CSV in the same form. Times are ISO 8601 in UTC. */
export function attendanceCsv(items: readonly Attendance[], header: boolean, bom = false): string {
  const records = items.map(({ firstSeenAt, lastSeenAt, totalMillis, isPresent, ...person }) => ({
    ...person,
    firstSeenAt: new Date(firstSeenAt).toISOString(),
    lastSeenAt: new Date(lastSeenAt).toISOString(),
    totalSeconds: totalMillis / 1000,
    isPresent: String(isPresent),
  }));
  return csvPage(records, attendanceColumns, { header, bom });
}

/** The columns of the link. The fields that people read have their own columns; the others are JSON in one column. */
function linkColumns({ link }: ActivityItem) {
  if (!link || typeof link !== 'object') return { link: link ?? '' };
  const { sequence, previousHash, hash, ...more } = link;
  return { sequence, previousHash, hash, link: JSON.stringify(more) };
}

/** One page as lines of JSON. */
export function toNdjson(items: readonly ActivityItem[]): string {
  return items.map((item) => `${JSON.stringify(item)}\n`).join('');
}

/** Formats pages of entries as the pieces of one document. Only the current page is in memory. */
export function formatPages(pages: AsyncIterable<ActivityItem[]>, format: ExportFormat): AsyncGenerator<string> {
  if (format === 'csv') return csvPieces(pages);
  return format === 'json' ? jsonPieces(pages) : ndjsonPieces(pages);
}

async function* csvPieces(pages: AsyncIterable<ActivityItem[]>): AsyncGenerator<string> {
  yield toCsv([], true);
  for await (const items of pages) yield toCsv(items, false);
}

async function* jsonPieces(pages: AsyncIterable<ActivityItem[]>): AsyncGenerator<string> {
  let separator = '[\n';
  for await (const items of pages) {
    yield separator + items.map((item) => JSON.stringify(item)).join(',\n');
    separator = ',\n';
  }
  yield separator === '[\n' ? '[]\n' : '\n]\n';
}

async function* ndjsonPieces(pages: AsyncIterable<ActivityItem[]>): AsyncGenerator<string> {
  for await (const items of pages) yield toNdjson(items);
}
