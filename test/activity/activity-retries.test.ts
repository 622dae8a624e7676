import { randomUUID } from 'node:crypto';
import { BatchWriteItemCommand, type DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { ActivityLogger } from '../../lambdas/activity/activity-logger.ts';
import { ActivityOutbox } from '../../lambdas/activity/activity-outbox.ts';
import { recordArrivals } from '../../lambdas/flows/journal/arrivals.ts';
import { recordDepartures } from '../../lambdas/flows/journal/departures.ts';
import { MovementWriter } from '../../lambdas/flows/journal/movement-writer.ts';
import { createLogger } from '../support/activity-logger.ts';
import { createDatabase, type TestDatabase } from '../support/database.ts';
import { testServices } from '../support/test-services.ts';
import { createOutbox, SwitchedPool, type TestOutbox } from './support.ts';

let database: TestDatabase;
let store: TestOutbox;
let pool: SwitchedPool;
let logger: ActivityLogger;
let sessionId: string;
const userId = randomUUID();
const start = Date.now();
let now = start;

beforeAll(async () => {
  database = await createDatabase();
});

afterAll(() => database.drop());

beforeEach(async () => {
  store = await createOutbox();
  pool = new SwitchedPool(database.pool);
  now = start;
  logger = new ActivityLogger({ pool, outbox: store.outbox, clock: () => now });
  sessionId = randomUUID();
});

/** The stored entries in the order in which they were written to PostgreSQL. */
async function stored() {
  const { rows } = await database.pool.query(
    `SELECT a.id, activity_type AS type, details, host(ip_address) AS ip, user_agent AS agent,
       (extract(epoch FROM created_at) * 1000)::float8 AS at
     FROM activity_unsealed t JOIN activity_log a ON a.id = t.activity_id WHERE t.session_id = $1 ORDER BY t.position`,
    [sessionId],
  );
  return rows;
}

const note = (activityId: string, attempt: number, user: string = userId) =>
  logger.logActivity(sessionId, user, 'note', { attempt }, { activityId, mayRepeat: true });

/** Runs the work while PostgreSQL is away, one second before the next work. */
async function away<T>(work: () => Promise<T>): Promise<T> {
  pool.away = true;
  const result = await work();
  pool.away = false;
  now += 1000;
  return result;
}

describe('a second attempt with the same activity id', () => {
  test('[AC7] changes neither the time nor the details nor the position of a first attempt that waits in the outbox', async () => {
    const [one, two, three] = [randomUUID(), randomUUID(), randomUUID()];
    for (const id of [one, two, three]) await away(() => note(id, 1));
    expect(await note(two, 2)).toMatchObject({
      activity: { id: two, details: { attempt: 1 }, createdAt: start + 1000 },
      ...{ isNew: false, isStored: false },
    });
    expect(await stored()).toEqual([]);
    await logger.replayOutbox();
    expect(await stored()).toMatchObject([
      { id: one, details: { attempt: 1 }, at: start },
      { id: two, details: { attempt: 1 }, at: start + 1000 },
      { id: three, details: { attempt: 1 }, at: start + 2000 },
    ]);
    expect(await store.size()).toBe(0);
    expect(await note(two, 3)).toMatchObject({ isNew: false, isStored: true });
    expect(await stored()).toHaveLength(3);
  });

  test('[AC7] waits behind the first attempt while PostgreSQL is still away, whatever its time is', async () => {
    const id = randomUUID();
    await away(() => note(id, 1));
    now = start - 60_000;
    expect(await away(() => note(id, 2))).toMatchObject({ isNew: false, isStored: false });
    expect(await store.items()).toHaveLength(1);
    await logger.replayOutbox();
    expect(await stored()).toMatchObject([{ id, details: { attempt: 1 }, at: start }]);
  });

  test('[AC7] does not change a first attempt that is stored', async () => {
    const id = randomUUID();
    await note(id, 1);
    now += 1000;
    expect(await note(id, 2)).toMatchObject({ isNew: false, isStored: true });
    await away(() => note(id, 3));
    await logger.replayOutbox();
    expect(await stored()).toMatchObject([{ id, details: { attempt: 1 }, at: start }]);
  });

  test('[AC7] through the queue does not change the first attempt', async () => {
    const id = randomUUID();
    await away(() => note(id, 1));
    logger.queueActivity({ sessionId, userId, type: 'note', details: { attempt: 2 }, activityId: id });
    await logger.flush();
    await logger.replayOutbox();
    expect(await stored()).toMatchObject([{ id, details: { attempt: 1 }, at: start }]);
  });

  test('[AC7] in the same batch does not change the first attempt', async () => {
    const id = randomUUID();
    pool.away = true;
    for (const attempt of [1, 2]) {
      logger.queueActivity({ sessionId, userId, type: 'note', details: { attempt }, activityId: id });
      now += 1000;
    }
    await logger.flush();
    pool.away = false;
    await note(id, 3);
    await logger.replayOutbox();
    expect(await stored()).toMatchObject([{ id, details: { attempt: 1 }, at: start }]);
    expect(await store.size()).toBe(0);
  });

  test('[AC7] of another user is refused while the first attempt waits', async () => {
    const id = randomUUID();
    await away(() => note(id, 1));
    await expect(note(id, 2, randomUUID())).rejects.toMatchObject({ code: 'INVALID_MESSAGE' });
    await expect(away(() => note(id, 3, randomUUID()))).rejects.toMatchObject({ code: 'INVALID_MESSAGE' });
    pool.away = false;
    await logger.replayOutbox();
    expect(await stored()).toMatchObject([{ id, details: { attempt: 1 } }]);
  });

  test('[AC1] completes a first attempt that was killed between its two writes', async () => {
    const id = randomUUID();
    await away(() => withDyingOutbox().logActivity(sessionId, userId, 'note', { attempt: 1 }, { activityId: id }));
    expect(await store.items()).toHaveLength(0);
    expect(await note(id, 2)).toMatchObject({ activity: { details: { attempt: 1 } }, isStored: false });
    await logger.replayOutbox();
    expect(await stored()).toMatchObject([{ id, details: { attempt: 1 } }]);
  });

  test('[FA4] is written to PostgreSQL while the outbox does not answer', async () => {
    const send = () => Promise.reject(Object.assign(new Error('connect ECONNREFUSED'), { code: 'ECONNREFUSED' }));
    const outbox = new ActivityOutbox({ client: { send } as unknown as DynamoDBClient, table: store.table });
    logger = new ActivityLogger({ pool, outbox });
    expect(await note(randomUUID(), 1)).toMatchObject({ isNew: true, isStored: true });
  });
});

/** A logger whose outbox stores the item for the search by id, and not the entry itself. */
function withDyingOutbox(): ActivityLogger {
  const send = (command: BatchWriteItemCommand) => {
    const requests = command.input.RequestItems?.[store.table] ?? [];
    const kept = requests.filter(({ PutRequest }) => PutRequest!.Item!['shard']!.S!.startsWith('id '));
    return store.client.send(new BatchWriteItemCommand({ RequestItems: { [store.table]: kept } }));
  };
  const outbox = new ActivityOutbox({ client: { send } as unknown as DynamoDBClient, table: store.table });
  return new ActivityLogger({ pool, outbox, clock: () => now });
}

describe('a movement that the sweep records again', () => {
  const context = { ipAddress: '203.0.113.7', userAgent: 'Safari', username: 'Ada' };
  const arriving = { userId, username: 'Ada', role: 'viewer', at: start, certain: true } as const;
  const kept = { ...arriving, text: 'arrival' };
  const sessions = { releaseSlots: async () => {} };
  const services = () => testServices({ activity: logger, sessions });

  test('[AC7] keeps the IP address and the user agent of a join that waits in the outbox', async () => {
    await away(() => recordArrivals(services(), [{ sessionId, arriving, context }]));
    const writer = new MovementWriter(services());
    expect(await writer.write({ sessionId, arrivals: [kept], departures: [] })).toEqual({ written: [] });
    await logger.replayOutbox();
    expect(await stored()).toMatchObject([{ type: 'user_joined', ip: '203.0.113.7', agent: 'Safari' }]);
    expect(await writer.write({ sessionId, arrivals: [kept], departures: [] })).toEqual({ written: [kept] });
    expect(await stored()).toHaveLength(1);
  });

  test('[AC7] keeps the IP address and the user agent of a leave that waits in the outbox', async () => {
    await recordArrivals(services(), [{ sessionId, arriving, context }]);
    const departing = { userId, cause: 'left', at: start + 5000, joinedAt: start } as const;
    pool.away = true;
    const reading = createLogger({ pool: database.pool });
    const lastMovements = reading.lastMovements.bind(reading);
    const flapping = { lastMovements, logActivities: logger.logActivities.bind(logger) };
    await recordDepartures(testServices({ activity: flapping, sessions }), [{ sessionId, departing, context }]);
    pool.away = false;
    const departure = { ...departing, text: 'departure', isBack: false };
    await new MovementWriter(services()).write({ sessionId, arrivals: [], departures: [departure] });
    await logger.replayOutbox();
    expect((await stored()).slice(1)).toMatchObject([{ type: 'user_left', ip: '203.0.113.7', agent: 'Safari' }]);
  });

  test('[AC7] does not replace a leave that waits in the outbox if its own end of the stay is only inferred', async () => {
    await recordArrivals(services(), [{ sessionId, arriving, context }]);
    const lastMovements = async () => [{ type: 'user_joined', at: start }];
    const flapping = { lastMovements, logActivities: logger.logActivities.bind(logger) };
    const unseen = { userId, cause: 'left', at: start + 5000 } as const;
    const record = { sessionId, departing: unseen, context };
    await away(() => recordDepartures(testServices({ activity: flapping, sessions }), [record]));
    const concluded = { userId, cause: 'timeout', at: start + 90_000, isConcluded: true } as const;
    await recordDepartures(services(), [{ sessionId, departing: concluded }]);
    await logger.replayOutbox();
    expect((await stored()).slice(1)).toMatchObject([{ type: 'user_left', details: { cause: 'left' } }]);
  });
});
