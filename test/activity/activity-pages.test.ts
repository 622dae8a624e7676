import { randomUUID } from 'node:crypto';
import type { ActivityLogger } from '../../lambdas/activity/activity-logger.ts';
import { decodeCursor, encodeCursor } from '../../lambdas/activity/page-cursor.ts';
import { createLogger } from '../support/activity-logger.ts';
import { createDatabase, type TestDatabase } from '../support/database.ts';
import './support.ts';

let database: TestDatabase;
let logger: ActivityLogger;
let sessionId: string;
const [alice, bob] = [randomUUID(), randomUUID()];
const start = Date.UTC(2026, 0, 1);

beforeAll(async () => {
  database = await createDatabase();
  logger = createLogger({ pool: database.pool });
});

afterAll(() => database.drop());

/** Two entries per second, alternately of Alice and Bob; each third entry is a comment. */
beforeEach(async () => {
  sessionId = randomUUID();
  for (let n = 0; n < 30; n++) {
    logger.queueActivity({
      sessionId,
      userId: n % 2 ? bob : alice,
      type: n % 3 ? 'move' : 'comment_added',
      details: { n },
      at: start + Math.floor(n / 2) * 1000,
    });
  }
  await logger.flush();
});

async function walk(query: object): Promise<unknown[][]> {
  const pages: unknown[][] = [];
  let before: string | undefined;
  do {
    const page = await logger.getSessionActivity(sessionId, { ...query, before });
    pages.push(page.items.map((item) => item.details['n']));
    before = page.next;
  } while (before !== undefined);
  return pages;
}

const down = (from: number, to: number, step = 1) =>
  Array.from({ length: Math.floor((from - to) / step) + 1 }, (_, n) => from - n * step);

describe('getSessionActivity', () => {
  test.each([1, 7, 10, 29, 30, 31])(
    '[AC4] returns the newest entries first and omits none, in pages of %i',
    async (limit) => {
      const pages = await walk({ limit });
      expect(pages.flat()).toEqual(down(29, 0));
      expect(pages).toHaveLength(Math.ceil(30 / limit));
    },
  );

  test('[AC4] returns the same page while newer entries are written', async () => {
    const first = await logger.getSessionActivity(sessionId, { limit: 10 });
    await logger.logActivity(sessionId, null, 'late');
    const second = await logger.getSessionActivity(sessionId, { limit: 10, before: first.next });
    expect(second.items.map((item) => item.details['n'])).toEqual(down(19, 10));
  });

  test('[AC4] returns no `next` with the last page', async () => {
    expect(await logger.getSessionActivity(sessionId, 30)).not.toHaveProperty('next');
    expect(await logger.getSessionActivity(sessionId, 29)).toHaveProperty('next');
  });

  test('filters by type, user and time, separately and combined', async () => {
    expect((await walk({ activityType: 'comment_added', limit: 4 })).flat()).toEqual(down(27, 0, 3));
    expect((await walk({ userId: alice, limit: 4 })).flat()).toEqual(down(28, 0, 2));
    expect((await walk({ from: start + 3000, to: start + 5000 })).flat()).toEqual(down(11, 6));
    expect((await walk({ userId: bob, activityType: 'comment_added', to: start + 7999, limit: 1 })).flat()).toEqual([
      15, 9, 3,
    ]);
  });

  test('returns an empty page for an unknown session, user or type', async () => {
    for (const [session, query] of [
      [randomUUID(), {}],
      ['SESSION-20260101-X', {}],
      ["'; SELECT 1 --", {}],
      [sessionId, { userId: randomUUID() }],
      [sessionId, { activityType: "x' OR '1'='1" }],
      [sessionId, { activityType: 'a\u0000' }],
    ] as const) {
      expect(await logger.getSessionActivity(session, query)).toEqual({ items: [] });
    }
  });

  test.each([
    ['a limit of 0', { limit: 0 }],
    ['a huge limit', { limit: 1001 }],
    ['a broken limit', { limit: 1.5 }],
    ['a limit that is no number', { limit: Number.NaN }],
    ['an invalid user id', { userId: "x' --" }],
    ['an invalid time', { from: Number.NaN }],
    ['a time out of range', { to: 1e18 }],
  ])('refuses %s', async (_, query) => {
    await expect(logger.getSessionActivity(sessionId, query)).rejects.toMatchObject({ code: 'INVALID_MESSAGE' });
  });

  test('refuses a page token that is invalid, changed, forged or of another session', async () => {
    const { next } = await logger.getSessionActivity(sessionId, 5);
    const place = decodeCursor(sessionId, next!);
    const flipped = next!.slice(0, -2) + (next!.endsWith('AA') ? 'BB' : 'AA');
    const forged = (text: string) => Buffer.from(text).toString('base64url');
    for (const before of [
      ...['', 'x', '🙂', `${next} `, `${next}=`, next!.slice(1), flipped, 'A'.repeat(500)],
      forged(`${place.createdAt}.${place.id}`),
      forged(`${place.createdAt}.${place.id}.0000000000000000`),
      forged(`1'; DROP TABLE activity_log; --.${place.id}.0`),
      encodeCursor(randomUUID(), place),
      encodeCursor(sessionId, { ...place, createdAt: 1e300 }),
      encodeCursor(sessionId, { ...place, id: 'x' }),
    ]) {
      const reading = logger.getSessionActivity(sessionId, { before });
      await expect(reading).rejects.toMatchObject({ name: 'RollcallError', code: 'INVALID_MESSAGE' });
    }
  });

  test('returns no entry of another session, whatever page token it gets', async () => {
    const other = randomUUID();
    await logger.logActivity(other, null, 'secret');
    const place = { createdAt: Date.now() + 1000, id: randomUUID() };
    const { items } = await logger.getSessionActivity(sessionId, {
      before: encodeCursor(sessionId, place),
      limit: 1000,
    });
    expect(items).toHaveLength(30);
    expect(new Set(items.map((item) => item.sessionId))).toEqual(new Set([sessionId]));
  });

  test('getRecentActivity returns the newest entries', async () => {
    expect((await logger.getRecentActivity(sessionId, 3)).map((item) => item.details['n'])).toEqual([29, 28, 27]);
    expect(await logger.getRecentActivity(sessionId)).toHaveLength(10);
  });
});
