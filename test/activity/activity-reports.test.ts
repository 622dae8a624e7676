import { randomUUID } from 'node:crypto';
import type { ActivityLogger } from '../../lambdas/activity/activity-logger.ts';
import { createLogger } from '../support/activity-logger.ts';
import { createDatabase, type TestDatabase } from '../support/database.ts';
import './support.ts';

let database: TestDatabase;
let logger: ActivityLogger;
const sessionId = randomUUID();
const [alice, bob] = [randomUUID(), randomUUID()];
const start = Date.UTC(2026, 5, 1, 9);
const minute = 60_000;

/** Alice: three comments and a move in the first hour, a move in the third. Bob: one move. The server: one entry. */
beforeAll(async () => {
  database = await createDatabase();
  logger = createLogger({ pool: database.pool });
  await database.pool.query('INSERT INTO users (id, username) VALUES ($1, $2)', [alice, 'Alice']);
  const log = (userId: string | null, type: string, minutes: number) =>
    logger.logActivity(sessionId, userId, type, {}, { at: start + minutes * minute, username: userId && 'Then' });
  await log(null, '__proto__', 0);
  for (const at of [1, 2, 3]) await log(alice, 'comment_added', at);
  await log(alice, 'move', 10);
  await log(bob, 'move', 20);
  await log(alice, 'move', 130);
  await logger.logActivity(randomUUID(), alice, 'elsewhere');
});

afterAll(() => database.drop());

describe('reports', () => {
  test('[AC5] getActivityStatistics counts by type and user, with names', async () => {
    const statistics = await logger.getActivityStatistics(sessionId);
    expect(statistics).toMatchObject({
      sessionId,
      totalActivities: 7,
      uniqueUsers: 2,
      firstActivityAt: start,
      lastActivityAt: start + 130 * minute,
      byUser: [
        { userId: alice, username: 'Alice', count: 5 },
        { userId: bob, username: 'Then', count: 1 },
      ],
    });
    expect(Object.entries(statistics.byType)).toEqual([
      ['comment_added', 3],
      ['move', 3],
      ['__proto__', 1],
    ]);
  });

  test('[AC5] getSessionSummary is a text of a few lines', async () => {
    expect(await logger.getSessionSummary(sessionId)).toMatchObject({
      totalActivities: 7,
      durationMillis: 130 * minute,
      mostActiveUser: { userId: alice, count: 5 },
      topTypes: [{ type: 'comment_added', count: 3 }, { type: 'move', count: 3 }, { count: 1 }],
    });
  });

  test('[AC5] the timeline has a bucket for each hour with entries', async () => {
    expect(await logger.getActivityTimeline(sessionId)).toEqual([
      { at: start, count: 6 },
      { at: start + 120 * minute, count: 1 },
    ]);
    expect(await logger.getActivityTimeline(sessionId, minute, { userId: bob })).toEqual([
      { at: start + 20 * minute, count: 1 },
    ]);
    await expect(logger.getActivityTimeline(sessionId, 1)).rejects.toMatchObject({ code: 'INVALID_MESSAGE' });
  });

  test('[AC5] counts by type include only entries that match the filters', async () => {
    expect(await logger.getActivityCountsByType(sessionId, { userId: alice, to: start + 10 * minute })).toEqual({
      comment_added: 3,
      move: 1,
    });
  });

  test('[AC5] generateAuditTrail has all entries, the oldest first, and the result of the verification', async () => {
    await logger.sealChains();
    const trail = await logger.generateAuditTrail(sessionId);
    expect(trail.entries.map((item) => [item.username, item.activityType])).toEqual([
      [null, '__proto__'],
      ...Array(3).fill(['Alice', 'comment_added']),
      ['Alice', 'move'],
      ['Then', 'move'],
      ['Alice', 'move'],
    ]);
    expect(trail).toMatchObject({
      complete: true,
      summary: { totalActivities: 7 },
      verification: { valid: true, links: 7 },
    });
  });

  test.each([
    [6, 6, false],
    [7, 7, true],
    [8, 7, true],
  ])(
    'generateAuditTrail with a limit of %i has %i entries and says whether they are all: %s',
    async (most, many, complete) => {
      const trail = await logger.generateAuditTrail(sessionId, most);
      expect(trail.entries).toHaveLength(many);
      expect(trail.complete).toBe(complete);
    },
  );

  test.each([randomUUID(), 'SESSION-unknown'])(
    '[AC5] a report of an unknown session is empty and no error: %s',
    async (unknown) => {
      const nothing = { totalActivities: 0, uniqueUsers: 0, firstActivityAt: null, lastActivityAt: null };
      expect(await logger.getActivityStatistics(unknown)).toEqual({
        sessionId: unknown,
        ...nothing,
        byType: {},
        byUser: [],
      });
      expect(await logger.getSessionSummary(unknown)).toMatchObject({
        ...nothing,
        durationMillis: 0,
        mostActiveUser: null,
      });
      expect(await logger.getActivityTimeline(unknown)).toEqual([]);
      expect(await logger.getActivityCountsByType(unknown)).toEqual({});
    },
  );
});
