import { randomUUID } from 'node:crypto';
import type { ActivityDetails } from '../../lambdas/activity/activity-entry.ts';
import type { ActivityLogger } from '../../lambdas/activity/activity-logger.ts';
import { createLogger } from '../support/activity-logger.ts';
import { createDatabase, type TestDatabase } from '../support/database.ts';
import { SwitchedPool } from './support.ts';

let database: TestDatabase;
let pool: SwitchedPool;
let logger: ActivityLogger;
let sessionId: string;

beforeAll(async () => {
  database = await createDatabase();
});

afterAll(() => database.drop());

beforeEach(() => {
  pool = new SwitchedPool(database.pool);
  logger = createLogger({ pool });
  sessionId = randomUUID();
});

async function fill(many: number): Promise<void> {
  for (let n = 0; n < many; n++) {
    logger.queueActivity({
      sessionId,
      userId: null,
      type: n % 2 ? 'odd' : 'even',
      details: { n },
      at: Date.now() - many + n,
    });
  }
  await logger.flush();
}

async function read(pieces: AsyncIterable<string>): Promise<string> {
  let text = '';
  for await (const piece of pieces) text += piece;
  return text;
}

/** Records of CSV as RFC 4180 reads them. */
function parseCsv(text: string): string[][] {
  const records: string[][] = [[]];
  for (const [, quoted, plain, end] of text.matchAll(/(?:"((?:[^"]|"")*)"|([^",\r\n]*))(,|\r\n)/g)) {
    records.at(-1)!.push(quoted?.replaceAll('""', '"') ?? plain!);
    if (end === '\r\n') records.push([]);
  }
  return records.slice(0, -1);
}

describe('exportActivity', () => {
  test('[AC5] as CSV has a header, the oldest entries first, and quotes each field', async () => {
    const details = { text: 'He said "hi", then\r\nleft' };
    await logger.logActivity(sessionId, randomUUID(), 'a,b', details, { userAgent: 'plain', username: 'Ann "A"' });
    await logger.logActivity(sessionId, null, 'second');
    const text = await read(logger.exportActivity(sessionId, 'csv'));
    expect(text).toContain(',"a,b",');
    expect(text).toContain(',"plain",');
    expect(text.replaceAll(/"(?:[^"]|"")*"/g, '')).toMatch(/^(,{12}\r\n)+$/);
    const [header, first, second] = parseCsv(text);
    expect(header).toEqual([
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
    ]);
    expect(first).toMatchObject({ 3: 'a,b', 5: 'Ann "A"', 8: JSON.stringify(details) });
    expect(first![2]).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
    expect(second).toMatchObject({ 3: 'second', 4: '', 8: '{}' });
  });

  test.each(['=1+1', '+1', '-1', '@SUM(A1)', '\t=1', '\r=1', '＝1', '=cmd|"/c calc"!A1'])(
    '[AC5] as CSV never begins a field with %j, which a spreadsheet would run as a formula',
    async (formula) => {
      await logger.logActivity(sessionId, randomUUID(), formula, {}, { username: formula, userAgent: formula });
      const [, record] = parseCsv(await read(logger.exportActivity(sessionId, 'csv')));
      for (const field of [record![3], record![5], record![7]]) expect(field).toBe(`'${formula}`);
    },
  );

  test('as JSON is one array, as NDJSON one line per entry, with the same content', async () => {
    await fill(1203);
    const json = JSON.parse(await read(logger.exportActivity(sessionId, 'json')));
    const lines = (await read(logger.exportActivity(sessionId, 'ndjson'))).trimEnd().split('\n');
    expect(json.map((item: { details: ActivityDetails }) => item.details['n'])).toEqual([...Array(1203).keys()]);
    expect(lines.map((line) => JSON.parse(line))).toEqual(json);
    expect(parseCsv(await read(logger.exportActivity(sessionId, 'csv')))).toHaveLength(1204);
  });

  test('reads a page only when the previous one was consumed', async () => {
    await fill(1100);
    pool.statements = 0;
    const pieces = logger.exportActivity(sessionId, 'ndjson');
    await pieces.next();
    expect(pool.statements).toBe(1);
    await pieces.next();
    expect(pool.statements).toBe(2);
    await pieces.return(undefined);
    expect(pool.statements).toBe(2);
  });

  test('contains only entries that match the filters', async () => {
    await fill(20);
    const json = JSON.parse(await read(logger.exportActivity(sessionId, 'json', { activityType: 'odd' })));
    expect(json.map((item: { details: ActivityDetails }) => item.details['n'])).toEqual([
      1, 3, 5, 7, 9, 11, 13, 15, 17, 19,
    ]);
  });

  test('contains entries up to the time at which it began, whatever is written meanwhile', async () => {
    await fill(600);
    let count = 0;
    for await (const piece of logger.exportActivity(sessionId, 'ndjson')) {
      count += piece.trimEnd().split('\n').length;
      await logger.logActivity(sessionId, null, 'later', {}, { at: Date.now() + 60_000 });
    }
    expect(count).toBe(600);
  });

  test('of no entries is an empty document', async () => {
    expect(await read(logger.exportActivity(sessionId, 'json'))).toBe('[]\n');
    expect(await read(logger.exportActivity(sessionId, 'ndjson'))).toBe('');
    expect(parseCsv(await read(logger.exportActivity(sessionId, 'csv')))).toHaveLength(1);
  });

  test('fails if the database goes away during it, and does not end early', async () => {
    await fill(1100);
    const pieces = logger.exportActivity(sessionId, 'ndjson');
    await pieces.next();
    pool.away = true;
    await expect(pieces.next()).rejects.toThrow('ECONNREFUSED');
  });
});
