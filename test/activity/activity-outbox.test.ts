import { randomUUID } from 'node:crypto';
import { PutItemCommand } from '@aws-sdk/client-dynamodb';
import { ActivityLogger } from '../../lambdas/activity/activity-logger.ts';
import { ActivityOutbox } from '../../lambdas/activity/activity-outbox.ts';
import { tableKeys } from '../../lambdas/platform/environment.ts';
import { createDatabase, type TestDatabase } from '../support/database.ts';
import { createOutbox, SwitchedPool, type TestOutbox } from './support.ts';

let database: TestDatabase;
let store: TestOutbox;
let pool: SwitchedPool;
let logger: ActivityLogger;
let sessionId: string;

beforeAll(async () => {
  database = await createDatabase();
});

afterAll(() => database.drop());

beforeEach(async () => {
  store = await createOutbox();
  pool = new SwitchedPool(database.pool);
  logger = new ActivityLogger({ pool, outbox: store.outbox });
  sessionId = randomUUID();
});

/** The types of the session's entries in the order in which they were written to PostgreSQL. */
async function written(): Promise<string[]> {
  const { rows } = await database.pool.query(
    `SELECT activity_type FROM activity_unsealed t JOIN activity_log a ON a.id = t.activity_id
     WHERE t.session_id = $1 ORDER BY t.position`,
    [sessionId],
  );
  return rows.map((row) => row.activity_type);
}

async function defer(...types: string[]): Promise<void> {
  pool.away = true;
  for (const type of types) logger.queueActivity({ sessionId, userId: null, type });
  await logger.flush();
  pool.away = false;
}

describe('the outbox', () => {
  test('[AC3] keeps entries while PostgreSQL is away, and replays them in order, each once', async () => {
    const types = Array.from({ length: 260 }, (_, n) => `t${n}`);
    await defer(...types);
    expect(await written()).toEqual([]);
    expect(await store.items()).toHaveLength(260);
    expect(await logger.replayOutbox()).toEqual({ replayed: 260, setAside: 0, complete: true });
    expect(await written()).toEqual(types);
    expect(await store.items()).toEqual([]);
    expect(await logger.replayOutbox()).toEqual({ replayed: 0, setAside: 0, complete: true });
    expect(await written()).toEqual(types);
  });

  test('[AC3] keeps the order between logged and queued entries of a session', async () => {
    pool.away = true;
    await logger.logActivity(sessionId, null, 'a');
    logger.queueActivity({ sessionId, userId: null, type: 'b' });
    await logger.flush();
    await logger.logActivity(sessionId, null, 'c');
    pool.away = false;
    await logger.replayOutbox();
    expect(await written()).toEqual(['a', 'b', 'c']);
  });

  test('[AC3] keeps the time, user and connection of an entry', async () => {
    const userId = randomUUID();
    pool.away = true;
    const context = { ipAddress: '10.0.0.1', userAgent: 'Safari', username: 'Bob' };
    const { activity } = await logger.logActivity(sessionId, userId, 'x', { a: [1, null] }, context);
    pool.away = false;
    await logger.replayOutbox();
    expect((await logger.getSessionActivity(sessionId)).items).toEqual([{ ...activity, link: 'waiting' }]);
  });

  test('[AC3] writes each entry once if two replays run at the same time', async () => {
    const types = Array.from({ length: 120 }, (_, n) => `t${n}`);
    await defer(...types);
    await Promise.all([logger.replayOutbox(), logger.replayOutbox()]);
    expect(await written()).toEqual(types);
    expect(await store.items()).toEqual([]);
  });

  test('[AC3] writes no entry twice if a replay was killed between the write and the deletion', async () => {
    await defer('a', 'b');
    const dying = new ActivityOutbox({ client: store.client, table: store.table });
    dying.remove = () => Promise.reject(new Error('killed'));
    await expect(new ActivityLogger({ pool, outbox: dying }).replayOutbox()).rejects.toThrow('killed');
    expect(await store.items()).toHaveLength(2);
    await logger.replayOutbox();
    expect(await written()).toEqual(['a', 'b']);
  });

  test('[AC3] makes one entry of two waiting items with the same id', async () => {
    const activityId = randomUUID();
    pool.away = true;
    await logger.logActivity(sessionId, null, 'x', {}, { activityId });
    await logger.logActivity(sessionId, null, 'x', {}, { activityId });
    pool.away = false;
    await logger.replayOutbox();
    expect(await written()).toEqual(['x']);
  });

  test('[AC3] writes an acknowledged entry under another id if its id belongs to another session', async () => {
    const activityId = randomUUID();
    await logger.logActivity(randomUUID(), null, 'theirs', {}, { activityId });
    pool.away = true;
    await logger.logActivity(sessionId, null, 'ours', {}, { activityId });
    pool.away = false;
    await logger.replayOutbox();
    expect(await written()).toEqual(['ours']);
  });

  test('[AC3] keeps all entries while PostgreSQL is still away', async () => {
    await defer('a');
    pool.away = true;
    expect(await logger.replayOutbox()).toEqual({ replayed: 0, setAside: 0, complete: false });
    expect(await store.items()).toHaveLength(1);
  });

  test('tells how many entries wait, and since when', async () => {
    expect(await logger.outboxBacklog()).toEqual({ depth: 0, oldestAt: undefined });
    const before = Date.now();
    await defer(...Array.from({ length: 130 }, (_, n) => `t${n}`));
    const between = Date.now();
    const other = new ActivityLogger({ pool, outbox: store.outbox });
    pool.away = true;
    await other.logActivity(randomUUID(), null, 'later');
    const { depth, oldestAt } = await logger.outboxBacklog();
    expect(depth).toBe(131);
    expect(oldestAt).toBeGreaterThanOrEqual(before);
    expect(oldestAt).toBeLessThanOrEqual(between);
  });

  test('[AC3] sets aside items that cannot be written, loses none, and writes those behind them', async () => {
    await defer('a');
    const [item] = await store.items();
    const poison = (position: string, text: string) =>
      new PutItemCommand({
        TableName: store.table,
        Item: {
          [tableKeys.outbox.partitionKey]: { S: item!.shard },
          [tableKeys.outbox.sortKey]: { S: position },
          entry: { S: text },
        },
      });
    await store.client.send(poison('0', JSON.stringify({ ...item!.entry, id: randomUUID(), createdAt: 1e18 })));
    await store.client.send(poison('1', JSON.stringify({ nonsense: true })));
    await defer('b');
    expect(await logger.replayOutbox()).toEqual({ replayed: 2, setAside: 2, complete: true });
    expect(await written()).toEqual(['a', 'b']);
    expect((await store.items()).map(({ shard }) => shard)).toEqual(['activity-aside', 'activity-aside']);
  });

  test('[AC3] sets aside an unreadable item unchanged', async () => {
    const shard = 'activity-0';
    const Item = { shard: { S: shard }, position: { S: '0' }, entry: { S: '{"cut' } };
    await store.client.send(new PutItemCommand({ TableName: store.table, Item }));
    expect(await logger.replayOutbox()).toMatchObject({ setAside: 1, complete: true });
    const [aside] = await store.outbox.oldest('activity-aside', 10);
    expect(aside).toMatchObject({ position: '0', text: '{"cut' });
  });

  test('[AC3] repeats writes that DynamoDB did not process', async () => {
    let throttled = 0;
    const client = {
      send: async (command: { input: { RequestItems: Record<string, unknown[]> } }) => {
        const requests = command.input.RequestItems[store.table]!;
        if (requests.length > 1 && throttled++ < 2) return { UnprocessedItems: { [store.table]: requests } };
        return store.client.send(command as never);
      },
    };
    const outbox = new ActivityOutbox({ client: client as never, table: store.table });
    logger = new ActivityLogger({ pool, outbox });
    await defer('a', 'b', 'c');
    expect(await store.items()).toHaveLength(3);
    expect(throttled).toBeGreaterThanOrEqual(2);
  });

  test('has items without a time to live', async () => {
    await defer('a');
    const [item] = await store.outbox.oldest((await store.items())[0]!.shard, 1);
    expect(Object.keys(item!)).not.toContain(tableKeys.outbox.timeToLive);
  });
});
