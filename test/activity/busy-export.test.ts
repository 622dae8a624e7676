import { randomUUID } from 'node:crypto';
import { readExport, verifyTrail } from '../../client/verify/index.ts';
import { toCsv, toNdjson } from '../../lambdas/activity/activity-export.ts';
import type { ActivityLogger } from '../../lambdas/activity/activity-logger.ts';
import type { ActivityItem } from '../../protocol/entities.ts';
import { createLogger } from '../support/activity-logger.ts';
import { createDatabase, type TestDatabase } from '../support/database.ts';

// Exports of a session in which entries are written and sealed while the pages are read.

let database: TestDatabase;
let logger: ActivityLogger;
let sessionId: string;
let now: number;

beforeAll(async () => {
  database = await createDatabase();
});
afterAll(() => database.drop());
beforeEach(() => {
  logger = createLogger({ pool: database.pool });
  sessionId = randomUUID();
  now = Date.now() - 3_600_000;
});

/** Writes entries, a second apart. */
async function write(many: number): Promise<void> {
  for (let n = 0; n < many; n += 1, now += 1000) {
    logger.queueActivity({ sessionId, userId: null, type: 'step', details: { n }, at: now });
  }
  await logger.flush();
}

/** An entry that waited in the outbox: it is older than others that are sealed already. */
async function writeLate(at: number): Promise<void> {
  await logger.logActivity(sessionId, null, 'late', {}, { at });
}

/** What happens between two pages. */
const between: Record<string, () => Promise<unknown>> = {
  'entries are written and sealed': async () => {
    await write(3);
    await logger.sealChains();
  },
  'the entries that waited are sealed': () => logger.sealChains(),
  'entries come late from the outbox, and all are sealed': async () => {
    await write(2);
    await writeLate(now - 1_800_000);
    await writeLate(now - 3_600_000);
    await logger.sealChains();
  },
  'entries come late from the outbox': async () => {
    await writeLate(now - 1000);
    await writeLate(now - 3_600_000);
  },
};

async function pagesNewestFirst(meanwhile: () => Promise<unknown>): Promise<ActivityItem[]> {
  const items: ActivityItem[] = [];
  let before: string | undefined;
  do {
    const page = await logger.getSessionActivity(sessionId, { limit: 10, before });
    items.push(...page.items);
    before = page.next;
    await meanwhile();
  } while (before);
  return items;
}

describe.each(Object.entries(between))('while %s', (_, meanwhile) => {
  test.each([
    [0, 40],
    [30, 0],
    [30, 25],
  ])(
    '[AC11] the pages of a session with %i sealed entries and %i that wait are one valid export',
    async (sealed, waiting) => {
      await write(sealed);
      await logger.sealChains();
      await write(waiting);
      const items = await pagesNewestFirst(meanwhile);
      for (const text of [JSON.stringify(items), toNdjson(items), toCsv(items, true)]) {
        expect(await verifyTrail(readExport(text), { isComplete: true })).toMatchObject({ valid: true, faults: [] });
      }
      const links = items.filter(({ link }) => typeof link === 'object');
      expect(links).toHaveLength(sealed);
      for (const removed of links) {
        const cut = items.filter((item) => item !== removed);
        const { faults } = await verifyTrail(cut, { isComplete: true });
        const isFirstPage = items.slice(0, 10).includes(removed);
        expect([isFirstPage, faults.map(({ fault }) => fault)]).toEqual([isFirstPage, ['link_missing']]);
      }
    },
  );

  test.each([
    [1200, 0],
    [600, 700],
  ])('[AC11] the export of a session with %i sealed entries and %i that wait is valid', async (sealed, waiting) => {
    now -= 2_000_000;
    await write(sealed);
    await logger.sealChains();
    await write(waiting);
    let text = '';
    for await (const piece of logger.exportActivity(sessionId, 'ndjson')) {
      text += piece;
      await meanwhile();
    }
    const items = readExport(text);
    const { valid, faults, chains } = await verifyTrail(items, { isComplete: true });
    expect({ valid, faults }).toEqual({ valid: true, faults: [] });
    expect(chains).toMatchObject([{ last: { sequence: sealed } }]);
    const last = items.findLastIndex(({ link }) => typeof link === 'object');
    const cut = await verifyTrail(items.toSpliced(last, 1), { isComplete: true });
    expect(cut.faults).toMatchObject([{ fault: 'link_missing', sequence: sealed }]);
  });
});

test('a page token that an earlier version of the service made is still valid', async () => {
  await write(5);
  await logger.sealChains();
  const { next } = await logger.getSessionActivity(sessionId, { limit: 2 });
  const { decodeCursor, encodeCursor } = await import('../../lambdas/activity/page-cursor.ts');
  const { createdAt, id, head } = decodeCursor(sessionId, next!);
  expect(head).toBe(5);
  const { items } = await logger.getSessionActivity(sessionId, { before: encodeCursor(sessionId, { createdAt, id }) });
  expect(items.map(({ link }) => typeof link)).toEqual(['object', 'object', 'object']);
});
