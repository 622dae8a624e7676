import type { ActivityLink } from '../../protocol/audit-chain.ts';
import type { ActivityItem } from '../../protocol/entities.ts';
import { timeText } from './link-hash.ts';

/**
 * Reads an export of the audit trail: CSV, JSON (an array, or pages with `items`) or NDJSON. Pages that were put together
 * are one export.
 *
 * @throws Error with one sentence for what is no export.
 */
export function readExport(text: string): ActivityItem[] {
  const content = text.replace(/^\ufeff/, '').trimStart();
  if (content.startsWith('"id"') || content.startsWith('id,')) return readCsv(content);
  try {
    return itemsOf(JSON.parse(content));
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
  }
  try {
    if (content === '') throw new SyntaxError('The file is empty.');
    return content
      .split('\n')
      .filter(Boolean)
      .flatMap((line) => itemsOf(JSON.parse(line)));
  } catch {
    throw new Error('The file is no export of the audit trail; export it again as CSV, JSON or NDJSON.');
  }
}

function itemsOf(value: unknown): ActivityItem[] {
  if (Array.isArray(value)) return value.flatMap(itemsOf);
  if (typeof value === 'object' && value !== null) {
    if ('items' in value) return itemsOf(value.items);
    if ('id' in value && 'sessionId' in value) return [value as ActivityItem];
  }
  throw new Error('The file has something that is no entry of the audit trail; export it again.');
}

function readCsv(text: string): ActivityItem[] {
  const [header, ...records] = recordsOf(text);
  if (new Set(header).size < header!.length) throw new Error('The file has a column twice; export it again.');
  return records.map((record) =>
    toItem(Object.fromEntries(header!.map((name, column) => [name, record[column] ?? '']))),
  );
}

/** Records of CSV as RFC 4180 has them. */
function recordsOf(text: string): string[][] {
  const records: string[][] = [];
  let record: string[] = [];
  for (const [, quoted, plain, end] of text.matchAll(/(?:"((?:[^"]|"")*)"|([^",\r\n]*))(,|\r?\n|$)/g)) {
    record.push(quoted?.replaceAll('""', '"') ?? plain!);
    if (end === ',') continue;
    if (record.length > 1) records.push(record);
    record = [];
  }
  return records;
}

function toItem(row: Record<string, string>): ActivityItem {
  const { id = '', sessionId = '', activityType = '', details = '', createdAt = '' } = row;
  try {
    const link = linkOf(row);
    const time = Date.parse(createdAt);
    return {
      ...{
        id,
        sessionId,
        activityType,
        details: JSON.parse(details),
        createdAt: timeText(time) === createdAt ? time : Number.NaN,
      },
      ...{ userId: row['userId'] || null, username: row['username'] || null },
      ...{ ipAddress: row['ipAddress'] || null, userAgent: row['userAgent'] || null },
      ...(link === undefined ? {} : { link }),
    };
  } catch {
    throw new Error(`The entry ${id} of the file cannot be read; export it again.`);
  }
}

function linkOf({ sequence = '', previousHash = '', hash = '', link = '' }: Record<string, string>) {
  if (!link.startsWith('{')) return (link || undefined) as 'waiting' | undefined;
  return { ...(JSON.parse(link) as Pick<ActivityLink, 'version'>), sequence: Number(sequence), previousHash, hash };
}
