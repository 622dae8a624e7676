import { execFile } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { isBroken, rowsOf, withSealedName } from '../../client/timeline/states.ts';
import { readExport, verifyTrail } from '../../client/verify/index.ts';
import { toCsv, toNdjson } from '../../lambdas/activity/activity-export.ts';
import type { ActivityLogger } from '../../lambdas/activity/activity-logger.ts';
import { withoutConnection } from '../../lambdas/activity/linked-entry.ts';
import { jsonbText } from '../../protocol/audit-chain.ts';
import type { ActivityItem } from '../../protocol/entities.ts';
import { SeededRandom } from '../harness/seeded-random.ts';
import { createLogger } from '../support/activity-logger.ts';
import { createDatabase, type TestDatabase } from '../support/database.ts';
import { rewritten, tamperings, tenEntries } from './tampered-trail.ts';

const project = join(__dirname, '..', '..');
let database: TestDatabase;
let logger: ActivityLogger;
let sessionId: string;
let folder: string;

beforeAll(async () => {
  database = await createDatabase();
  logger = createLogger({ pool: database.pool });
  folder = await mkdtemp(join(tmpdir(), 'rollcall-export-'));
});
afterAll(async () => {
  await rm(folder, { recursive: true });
  await database.drop();
});
beforeEach(async () => {
  sessionId = randomUUID();
  await tenEntries(logger, sessionId);
});

async function exported(format: 'csv' | 'json' | 'ndjson'): Promise<string> {
  let text = '';
  for await (const piece of logger.exportActivity(sessionId, format)) text += piece;
  return text;
}

const complete = (items: ActivityItem[]) => verifyTrail(items, { isComplete: true });

/** The findings of `npm run audit:verify -- --file …`. */
async function verifyFile(text: string, ...more: string[]): Promise<{ code: number; output: string }> {
  const file = join(folder, 'export');
  await writeFile(file, text);
  const node = join(project, 'node_modules', '.bin', 'node');
  return new Promise((resolve) => {
    const env = { PATH: process.env['PATH'] ?? '' };
    execFile(
      node,
      ['scripts/audit-verify.ts', '--file', file, ...more],
      { cwd: project, env },
      (error, stdout, stderr) =>
        resolve({ code: typeof error?.code === 'number' ? error.code : 0, output: stdout + stderr }),
    );
  });
}

describe('an unchanged export', () => {
  test.each(['csv', 'json', 'ndjson'] as const)('as %s is valid without a server', async (format) => {
    const verification = await complete(readExport(await exported(format)));
    expect(verification.faults).toEqual([]);
    const { head } = await logger.verifyChain(sessionId);
    expect(verification.chains).toMatchObject([{ sessionId, links: 10, last: head }]);
    const { code, output } = await verifyFile(await exported(format));
    expect(output).toContain(`ok      ${sessionId}  10 entries sealed, head ${head.sequence}:${head.hash}`);
    expect(code).toBe(0);
  });

  test('is valid as pages, newest first, also for a user who may not see addresses', async () => {
    const pages: ActivityItem[] = [];
    let before: string | undefined;
    do {
      const page = await logger.getSessionActivity(sessionId, { limit: 3, before });
      pages.push(...page.items);
      before = page.next;
    } while (before);
    expect(await complete(pages)).toMatchObject({ valid: true, waiting: [] });
    const hidden = pages.map(withoutConnection);
    expect(JSON.stringify(hidden)).not.toContain('salt');
    expect(await complete(hidden)).toMatchObject({ valid: true, unchecked: [] });
    expect(await verifyTrail(hidden.slice(2, 5))).toMatchObject({ valid: true });
    expect(await complete(hidden.slice(2, 5))).toMatchObject({ valid: false });
  });

  test('names the entries that wait for their link', async () => {
    const { activity } = await logger.logActivity(sessionId, null, 'fresh');
    const verification = await complete(readExport(await exported('csv')));
    expect(verification).toMatchObject({ valid: true, waiting: [activity.id] });
  });

  test('is valid if the user has another name now', async () => {
    const [{ userId }] = (await logger.getRecentActivity(sessionId, 1)) as [ActivityItem];
    await database.pool.query(`INSERT INTO users (id, username) VALUES ($1, 'Later')`, [userId]);
    const items = await logger.getRecentActivity(sessionId);
    expect(items[0]).toMatchObject({ username: 'Later', link: { sealed: { username: '-Zoë' } } });
    expect(await complete(items)).toMatchObject({ valid: true, renamed: [items[0]!.id] });
    expect((await verifyFile(JSON.stringify(items))).output).toContain(
      'a later name of their user than the sealed one: 1',
    );
    const renamed = items.map((item) => withSealedName(item).username);
    expect(renamed.filter((name) => name === 'Later')).toEqual([]);
  });

  test('is valid with the fields of its details in another order and its numbers in another form', async () => {
    const turned = (value: unknown): unknown => {
      if (Array.isArray(value)) return value.map(turned);
      if (typeof value !== 'object' || value === null) return value;
      return Object.fromEntries(
        Object.entries(value)
          .reverse()
          .map(([key, inner]) => [key, turned(inner)]),
      );
    };
    const items = readExport(await exported('json'));
    const text = JSON.stringify(items.map((item) => ({ ...item, details: turned(item.details) })));
    expect(text).toContain('-0.25');
    const other = text.replaceAll('-0.25', '-25e-2');
    expect(await complete(readExport(other))).toMatchObject({ valid: true, faults: [] });
  });

  test('is valid after retention removed its beginning', async () => {
    const short = createLogger({ pool: database.pool, retentionMillis: 9550 });
    await short.removeExpired();
    const items = readExport(await exported('csv'));
    expect(items.length).toBeLessThan(10);
    expect(await complete(items)).toMatchObject({ valid: true });
  });

  test('is invalid with a kept head if the chain was cut or replaced', async () => {
    const { head } = await logger.verifyChain(sessionId);
    const items = readExport(await exported('json'));
    const kept = `${sessionId}:${head.sequence}:${head.hash}`;
    expect(await verifyFile(JSON.stringify(items), '--head', kept)).toMatchObject({ code: 0 });
    const cut = items.slice(0, 8);
    cut[7] = { ...cut[7]!, link: { ...(cut[7]!.link as object), end: 'last' } as ActivityItem['link'] };
    expect(await complete(cut)).toMatchObject({ valid: true });
    const { code, output } = await verifyFile(JSON.stringify(cut), '--head', kept);
    expect(output).toContain(`BROKEN  ${sessionId}  link 10 is missing`);
    expect(code).toBe(1);
  });
});

describe('a forged export', () => {
  test('of two sessions with an entry of each in the other one: both are named', async () => {
    const first = readExport(await exported('json'));
    const one = sessionId;
    sessionId = randomUUID();
    await tenEntries(logger, sessionId, Date.now() - 3_600_000);
    const second = readExport(await exported('json'));
    for (const withLink of [false, true]) {
      const take = (to: ActivityItem, from: ActivityItem) => ({
        ...from,
        sessionId: to.sessionId,
        link: withLink ? from.link! : to.link!,
      });
      const forged = [first.with(5, take(first[5]!, second[5]!)), second.with(5, take(second[5]!, first[5]!))].flat();
      for (const session of [one, sessionId]) {
        const { faults } = await complete(forged.filter((item) => item.sessionId === session));
        expect(faults[0]).toMatchObject({ sessionId: session, sequence: 6 });
      }
      const { code, output } = await verifyFile(JSON.stringify(forged));
      expect(code).toBe(1);
      for (const session of [one, sessionId]) expect(output).toContain(`BROKEN  ${session}  link 6 `);
    }
  });

  test('with a link that is null names the entry and its missing link', async () => {
    const items = readExport(await exported('json'));
    const forged = items.with(5, { ...items[5]!, link: null! });
    for (const text of [JSON.stringify(forged), toCsv(forged, true)]) {
      const verification = await complete(readExport(text));
      expect(verification.faults).toMatchObject([
        { fault: 'link_missing', sequence: 6 },
        { fault: 'entry_added', activityId: items[5]!.id },
      ]);
      const broken = rowsOf(forged, verification).rows.filter(isBroken);
      expect(broken).toMatchObject([{ entry: { id: items[5]!.id } }, { sequence: 6 }]);
    }
  });

  test('with a time that differs by less than a millisecond names the entry', async () => {
    const items = readExport(await exported('json'));
    const { faults } = await complete(items.with(5, { ...items[5]!, createdAt: items[5]!.createdAt + 0.5 }));
    expect(faults).toMatchObject([{ fault: 'entry_altered', sequence: 6 }]);
  });

  test('whose history was written again from an entry on is found with a kept head, in both orders', async () => {
    const { head } = await logger.verifyChain(sessionId);
    const forged = rewritten(readExport(await exported('json')), 5, { activityType: 'harmless' });
    expect(await complete(forged)).toMatchObject({ valid: true });
    const heads = [{ sessionId, ...head }];
    for (const items of [forged, forged.toReversed()]) {
      const { faults } = await verifyTrail(items, { isComplete: true, heads });
      expect(faults).toMatchObject([{ fault: 'link_moved', sequence: 10, after: 0 }]);
    }
  });

  test.each(tamperings)('$name: also if the pages are read newest first', async ({ forge, fault, sequence }) => {
    const { faults } = await complete(forge(readExport(await exported('json'))).toReversed());
    expect(faults[0]).toMatchObject({ fault, sequence });
  });

  test.each(tamperings)(
    '$name: the verification without a server names the entry, in JSON, NDJSON and CSV',
    async ({ forge, fault, inCsv = fault, sequence }) => {
      const items = forge(readExport(await exported('json')));
      const texts = { [JSON.stringify(items)]: fault, [toNdjson(items)]: fault, [toCsv(items, true)]: inCsv };
      for (const [text, expected] of Object.entries(texts)) {
        const { valid, faults } = await complete(readExport(text));
        expect({ valid, first: faults[0] }).toMatchObject({
          valid: false,
          first: { fault: expected, sequence, sessionId },
        });
      }
    },
  );

  test('the command finds the same and ends with the code 1', async () => {
    const items = readExport(await exported('json'));
    for (const { forge } of tamperings) {
      const forged = forge(items);
      const { faults } = await complete(readExport(toCsv(forged, true)));
      const { code, output } = await verifyFile(toCsv(forged, true));
      const lines = output.split('\n').filter((line) => line.startsWith('BROKEN'));
      expect(lines).toHaveLength(faults.length);
      if (faults[0]!.sequence !== null) expect(lines[0]).toContain(`link ${faults[0]!.sequence} `);
      expect(code).toBe(1);
    }
  });

  test('a change in the database is found in its export at the same link', async () => {
    for (const alter of [`details = jsonb_set(details, '{n}', '9007199254740993')`, `ip_address = '10.0.0.0/24'`]) {
      const [{ id }] = (await logger.getRecentActivity(sessionId, 4)).slice(3) as [ActivityItem];
      await database.pool.query(`UPDATE activity_log SET ${alter} WHERE id = $1`, [id]);
      const { broken } = await logger.verifyChain(sessionId);
      const { faults } = await complete(readExport(await exported('csv')));
      expect(faults[0]).toEqual({ ...broken, sessionId });
    }
  });

  test('an entry that was not written by the product is found in the export', async () => {
    await database.pool.query(`INSERT INTO activity_log (session_id, activity_type) VALUES ($1, 'forged')`, [
      sessionId,
    ]);
    const { broken } = await logger.verifyChain(sessionId);
    expect((await complete(readExport(await exported('json')))).faults).toEqual([{ ...broken, sessionId }]);
  });

  test.each(['', 'nonsense', '{"a":1}', '[1]'])('the text %j is refused with one sentence', async (text) => {
    expect(await verifyFile(text)).toMatchObject({ code: 2, output: expect.stringMatching(/export it again/) });
  });
});

test('the JSON text of each value equals that of PostgreSQL', async () => {
  const random = new SeededRandom(7);
  const make = (depth: number): unknown => {
    const pick = Math.floor(random.next() * (depth > 0 ? 8 : 6));
    if (pick === 0) return null;
    if (pick === 1) return random.next() < 0.5;
    if (pick === 2) return Math.floor((random.next() - 0.5) * 1e6);
    if (pick === 3) return (random.next() - 0.5) * 10 ** Math.floor((random.next() - 0.5) * 60);
    if (pick < 6)
      return String.fromCodePoint(
        ...Array.from(
          { length: 4 },
          () => [9, 34, 92, 127, 97, 233, 0x1f, 0x2028, 0xffff, 0x1f600][Math.floor(random.next() * 10)]!,
        ),
      );
    if (pick === 6) return Array.from({ length: 3 }, () => make(depth - 1));
    return Object.fromEntries(Array.from({ length: 4 }, () => [String(make(0)), make(depth - 1)]));
  };
  const values = Array.from({ length: 500 }, () => JSON.parse(JSON.stringify(make(3))));
  const { rows } = await database.pool.query(
    'SELECT v::jsonb::text AS text FROM unnest($1::text[]) WITH ORDINALITY AS u (v, n) ORDER BY n',
    [values.map((value) => JSON.stringify(value))],
  );
  for (const [index, value] of values.entries()) expect(jsonbText(value)).toBe(rows[index].text);
});
