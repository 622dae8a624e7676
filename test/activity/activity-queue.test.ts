import { randomUUID } from 'node:crypto';
import { ActivityLogger } from '../../lambdas/activity/activity-logger.ts';
import { createLogger } from '../support/activity-logger.ts';
import { createDatabase, type TestDatabase } from '../support/database.ts';
import { createOutbox, SwitchedPool } from './support.ts';

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

async function count(): Promise<number> {
  const { rows } = await database.pool.query('SELECT count(*)::int AS count FROM activity_log WHERE session_id = $1', [
    sessionId,
  ]);
  return rows[0].count;
}

function queue(many: number): void {
  for (let n = 0; n < many; n++) logger.queueActivity({ sessionId, userId: null, type: `t${n}`, details: { n } });
}

describe('queueActivity', () => {
  test('[AC2] writes nothing at once, and all entries in one statement at the flush', async () => {
    queue(99);
    expect(pool.statements).toBe(0);
    await logger.flush();
    expect(pool.statements).toBe(1);
    expect(await count()).toBe(99);
  });

  test('[AC2] begins a write at 100 items without a flush', async () => {
    queue(99);
    expect(pool.statements).toBe(0);
    queue(1);
    await new Promise(setImmediate);
    expect(pool.statements).toBe(1);
    await logger.flush();
    expect(await count()).toBe(100);
  });

  test('[AC2] begins a write after one second', async () => {
    jest.useFakeTimers({ doNotFake: ['setImmediate', 'nextTick', 'performance'] });
    try {
      queue(1);
      jest.advanceTimersByTime(999);
      await new Promise(setImmediate);
      expect(pool.statements).toBe(0);
      jest.advanceTimersByTime(1);
      await new Promise(setImmediate);
      expect(pool.statements).toBe(1);
    } finally {
      jest.useRealTimers();
    }
    await logger.flush();
    expect(await count()).toBe(1);
  });

  test('[AC2] keeps the order of entries over several batches', async () => {
    queue(250);
    await logger.flush();
    expect(pool.statements).toBe(3);
    const { items } = await logger.getSessionActivity(sessionId, { limit: 1000 });
    expect(items.map((item) => item.details['n'])).toEqual(Array.from({ length: 250 }, (_, n) => 249 - n));
  });

  test('[AC1] a flush resolves only when the running write is done too', async () => {
    queue(100);
    queue(5);
    await logger.flush();
    expect(await count()).toBe(105);
  });

  test('[AC1] a flush fails while no store accepts the entries, and the next flush writes them once', async () => {
    pool.away = true;
    queue(150);
    await expect(logger.flush()).rejects.toMatchObject({ code: 'UNAVAILABLE' });
    await expect(logger.flush()).rejects.toMatchObject({ code: 'UNAVAILABLE' });
    pool.away = false;
    await logger.flush();
    expect(await count()).toBe(150);
  });

  test('[AC2] an entry whose id another session has used gets another id, and both are kept', async () => {
    const activityId = randomUUID();
    await logger.logActivity(randomUUID(), null, 'theirs', {}, { activityId });
    logger.queueActivity({ sessionId, userId: null, type: 'ours', activityId });
    queue(2);
    await logger.flush();
    logger.queueActivity({ sessionId, userId: null, type: 'ours', activityId });
    await logger.flush();
    const { items } = await logger.getSessionActivity(sessionId);
    expect(items.map((item) => item.activityType).sort()).toEqual(['ours', 't0', 't1']);
    const { rows } = await database.pool.query('SELECT activity_type FROM activity_log WHERE id = $1', [activityId]);
    expect(rows).toEqual([{ activity_type: 'theirs' }]);
  });

  test('[AC2] an entry that the database refuses is set aside, and the others are written', async () => {
    const { outbox, items } = await createOutbox();
    logger = new ActivityLogger({ pool, outbox });
    queue(3);
    const refused = logger.queueActivity({ sessionId, userId: null, type: 'far', at: 1e18 });
    queue(3);
    await logger.flush();
    expect(await count()).toBe(6);
    expect(await items()).toMatchObject([{ shard: 'activity-aside', entry: { id: refused.id } }]);
  });

  test('a flush without queued entries sends no statement', async () => {
    await logger.flush();
    expect(pool.statements).toBe(0);
  });
});
