import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { Pool } from 'pg';
import type { ActivityParams } from '../../lambdas/activity/activity-entry.ts';
import { ActivityLogger } from '../../lambdas/activity/activity-logger.ts';
import { ActivityOutbox } from '../../lambdas/activity/activity-outbox.ts';
import { createLogger } from '../support/activity-logger.ts';
import { createDatabase, type TestDatabase } from '../support/database.ts';
import { expectWithin, timeLimits } from '../support/time-limits.ts';
import { absentDatabase, createOutbox } from './support.ts';

let database: TestDatabase;
let away: Pool;
let logger: ActivityLogger;
const now = Date.UTC(2026, 10, 21, 12);

beforeAll(async () => {
  database = await createDatabase();
  away = await absentDatabase();
  logger = createLogger({ pool: database.pool, clock: () => now });
});

afterAll(async () => {
  await away.end();
  await database.drop();
});

async function rowsOf(sessionId: string) {
  const { rows } = await database.pool.query('SELECT * FROM activity_log WHERE session_id = $1 ORDER BY id', [
    sessionId,
  ]);
  return rows;
}

describe('logActivity', () => {
  test('[AC1] when it resolves, the entry is in PostgreSQL', async () => {
    const [sessionId, userId] = [randomUUID(), randomUUID()];
    const { activity, isNew } = await logger.logActivity(sessionId, userId, 'comment_added', { commentId: 'c1' });
    expect(isNew).toBe(true);
    expect(await rowsOf(sessionId)).toEqual([
      expect.objectContaining({
        id: activity.id,
        user_id: userId,
        activity_type: 'comment_added',
        details: { commentId: 'c1' },
        created_at: new Date(now),
      }),
    ]);
  });

  test('[AC1] while PostgreSQL is away, it resolves in time and the entry is in the outbox', async () => {
    const { outbox, items } = await createOutbox();
    const begun = performance.now();
    const { activity } = await new ActivityLogger({ pool: away, outbox }).logActivity(randomUUID(), randomUUID(), 'x');
    await expectWithin(performance.now() - begun, 2000);
    expect((await items()).map((item) => item.entry.id)).toEqual([activity.id]);
  });

  test('[AC1] it resolves in time if PostgreSQL accepts connections and does not answer', async () => {
    const sockets: Socket[] = [];
    const silent = createServer((socket) => sockets.push(socket)).listen(0, '127.0.0.1');
    await once(silent, 'listening');
    const pool = new Pool({ host: '127.0.0.1', port: (silent.address() as AddressInfo).port });
    try {
      const { outbox, items } = await createOutbox();
      const begun = performance.now();
      await new ActivityLogger({ pool, outbox }).logActivity(randomUUID(), null, 'x');
      await expectWithin(performance.now() - begun, 1500);
      expect(await items()).toHaveLength(1);
    } finally {
      for (const socket of sockets) socket.destroy();
      silent.close();
    }
  });

  test('[AC1] if no store accepts the entry, it fails with a retryable error without internal details', async () => {
    const client = { send: () => Promise.reject(new Error('secret host')) };
    const outbox = new ActivityOutbox({ client, table: 'none' });
    const refused = { code: 'UNAVAILABLE', message: expect.not.stringMatching(/secret|127|ECONN/) };
    for (const options of [{ pool: away }, { pool: away, outbox }]) {
      const writing = new ActivityLogger(options).logActivity(randomUUID(), null, 'x');
      await expect(writing).rejects.toMatchObject(refused);
    }
  });

  test('[AC6] the entry has the IP address and the user agent of the connection', async () => {
    const sessionId = randomUUID();
    await logger.logActivity(sessionId, null, 'x', {}, { ipAddress: '2001:db8::7', userAgent: 'Firefox "1"' });
    expect(await rowsOf(sessionId)).toMatchObject([{ ip_address: '2001:db8::7', user_agent: 'Firefox "1"' }]);
    const { items } = await logger.getSessionActivity(sessionId);
    expect(items).toMatchObject([{ ipAddress: '2001:db8::7', userAgent: 'Firefox "1"' }]);
  });

  test('[AC6] an invalid address is left out, and the zone of an address is removed', async () => {
    const sessionId = randomUUID();
    await logger.logActivity(sessionId, null, 'a', {}, { ipAddress: "1.2.3.4'; DROP TABLE activity_log; --" });
    await logger.logActivity(sessionId, null, 'b', {}, { ipAddress: 'fe80::1%eth0' });
    const { items } = await logger.getSessionActivity(sessionId);
    expect(items.map((item) => item.ipAddress)).toEqual(['fe80::1', null]);
  });

  test('text that looks like SQL is stored as it is', async () => {
    const sessionId = randomUUID();
    const evil = `'); DELETE FROM activity_log; -- {"a"} \\" $1`;
    await logger.logActivity(sessionId, null, evil, { [evil]: evil }, { userAgent: evil, username: evil });
    const { items } = await logger.getSessionActivity(sessionId, { activityType: evil });
    expect(items).toMatchObject([{ activityType: evil, details: { [evil]: evil }, userAgent: evil, username: evil }]);
  });

  test('characters that PostgreSQL cannot store are replaced and not refused', async () => {
    const sessionId = randomUUID();
    await logger.logActivity(sessionId, null, 'x\u0000', {
      'k\ud800': ['\udc00', 'a\u0000b', '\ud83d\ude00', '\\ud800'],
    });
    const { items } = await logger.getSessionActivity(sessionId);
    expect(items[0]).toMatchObject({
      activityType: 'x\ufffd',
      details: { 'k\ufffd': ['\ufffd', 'a\ufffdb', '\ud83d\ude00', '\\ud800'] },
    });
  });

  test.each([
    ['a long type', { type: 'x'.repeat(101) }, 'TOO_LARGE'],
    ['large details', { details: { text: 'x'.repeat(8192) } }, 'TOO_LARGE'],
    ['an empty type', { type: ' ' }, 'INVALID_MESSAGE'],
    ['a session that is no UUID', { sessionId: 'SESSION-1' }, 'INVALID_MESSAGE'],
    ['a user that is no UUID', { userId: "' OR 1=1" }, 'INVALID_MESSAGE'],
    ['an entry id that is no UUID', { activityId: '42' }, 'INVALID_MESSAGE'],
  ])('an entry that can never be stored is refused: %s', async (_, bad, code) => {
    const given: { [name: string]: unknown } = {
      sessionId: randomUUID(),
      userId: null,
      type: 'x',
      details: {},
      ...bad,
    };
    const { sessionId, userId, type, details, ...context } = given as unknown as Required<ActivityParams>;
    const writing = logger.logActivity(sessionId, userId, type, details, context);
    await expect(writing).rejects.toMatchObject({ name: 'RollcallError', code });
  });

  test('many concurrent entries are all stored, in the order of their ids', async () => {
    const log50 = async () => {
      const sessionId = randomUUID();
      const logging = Array.from({ length: 50 }, (_, n) => logger.logActivity(sessionId, null, `t${n}`));
      const answers = await Promise.allSettled(logging);
      const refused = answers.flatMap((answer) => (answer.status === 'rejected' ? [answer.reason] : []));
      return { sessionId, refused, logged: await Promise.all(refused.length > 0 ? [] : logging) };
    };
    // A busy machine may need longer for one of them than the service waits. Then another session gets its entries.
    const until = Date.now() + timeLimits.event;
    let { sessionId, refused, logged } = await log50();
    while (refused.length > 0 && Date.now() < until) {
      expect([...new Set(refused.map(({ code }) => code))]).toEqual(['UNAVAILABLE']);
      ({ sessionId, refused, logged } = await log50());
    }
    expect(logged).toHaveLength(50);
    const { items } = await logger.getSessionActivity(sessionId);
    expect(items.map((item) => item.id)).toEqual(logged.map(({ activity }) => activity.id).reverse());
  });
});

describe('an activity id of the client', () => {
  test('lets a retry change nothing, one after another and at the same time', async () => {
    const [sessionId, userId, activityId] = [randomUUID(), randomUUID(), randomUUID()];
    const log = () => logger.logActivity(sessionId, userId, 'x', {}, { activityId });
    const outcomes = [...(await Promise.all([log(), log(), log()])), await log()];
    expect(outcomes.map(({ activity }) => activity.id)).toEqual(Array(4).fill(activityId));
    expect(outcomes.filter(({ isNew }) => isNew)).toHaveLength(1);
    expect(await rowsOf(sessionId)).toHaveLength(1);
  });

  test('that another session or user has used is refused; the existing entry is neither changed nor returned', async () => {
    const [sessionId, userId, activityId] = [randomUUID(), randomUUID(), randomUUID()];
    await logger.logActivity(sessionId, userId, 'private', { secret: 1 }, { activityId });
    for (const [session, user] of [
      [randomUUID(), userId],
      [sessionId, randomUUID()],
    ] as const) {
      const stealing = logger.logActivity(session, user, 'other', {}, { activityId });
      await expect(stealing).rejects.toMatchObject({
        code: 'INVALID_MESSAGE',
        message: expect.not.stringMatching(/secret/),
      });
    }
    expect(await rowsOf(sessionId)).toMatchObject([{ activity_type: 'private', user_id: userId }]);
  });

  test('chosen by the server counts as new even if the answer of the first attempt was lost', async () => {
    let attempts = 0;
    const query = async (...parameters: [string]) => {
      const result = await database.pool.query(...parameters);
      attempts += 1;
      if (attempts === 1) throw Object.assign(new Error('read ECONNRESET'), { code: 'ECONNRESET' });
      return result;
    };
    const flaky = { query, connect: () => database.pool.connect() } as unknown as Pool;
    const sessionId = randomUUID();
    expect(await new ActivityLogger({ pool: flaky }).logActivity(sessionId, null, 'x')).toMatchObject({ isNew: true });
    expect(await rowsOf(sessionId)).toHaveLength(1);
  });
});

describe('the id of an entry of the service, which users can compute', () => {
  describe.each(['the same user', 'another user'])('is that of an activity of %s', (who) => {
    const ending = () => ({
      ...{ sessionId: randomUUID(), userId: randomUUID() },
      type: 'session_ended',
      activityId: randomUUID(),
    });
    const logBefore = (entry: ReturnType<typeof ending>) =>
      logger.logActivities([{ ...entry, type: 'noted', ...(who === 'another user' ? { userId: randomUUID() } : {}) }]);
    const typesOf = async (sessionId: string) => (await rowsOf(sessionId)).map((row) => row['activity_type']).sort();

    test.each<[string, (entry: ReturnType<typeof ending>) => Promise<unknown>]>([
      ['by itself', (entry) => logger.logActivities([entry])],
      ['within a transaction', (entry) => logger.logWithin(database.pool, entry)],
    ])('[AC7] the entry that is written %s is written once nevertheless', async (_, write) => {
      const entry = ending();
      await logBefore(entry);
      await write(entry);
      await write(entry);
      expect(await typesOf(entry.sessionId)).toEqual(['noted', 'session_ended']);
    });
  });
});

describe('names', () => {
  test('[AC5] are the user’s present name, or the name at that time, or the guest’s name in the session, or absent', async () => {
    const [user, visitor, guest, unknown] = Array.from({ length: 4 }, () => randomUUID()) as [
      string,
      string,
      string,
      string,
    ];
    await database.pool.query('INSERT INTO users (id, username) VALUES ($1, $2)', [user, 'Alice']);
    const { rows } = await database.pool.query(
      `INSERT INTO collaboration_sessions (operation_id, session_id, owner_id) VALUES ('o', $1, $2) RETURNING id`,
      [`SESSION-${randomUUID()}`, user],
    );
    const sessionId = rows[0].id;
    await database.pool.query('INSERT INTO session_participants (session_id, anonymous_id, name) VALUES ($1, $2, $3)', [
      sessionId,
      guest,
      'Guest Gina',
    ]);
    await logger.logActivity(sessionId, user, 'x', {}, { username: 'Old Alice' });
    await logger.logActivity(sessionId, visitor, 'x', {}, { username: 'Visitor' });
    await logger.logActivity(sessionId, guest, 'x');
    await logger.logActivity(sessionId, unknown, 'x');
    await logger.logActivity(sessionId, null, 'x');
    const { items } = await logger.getSessionActivity(sessionId);
    expect(items.map((item) => item.username)).toEqual([null, null, 'Guest Gina', 'Visitor', 'Alice']);
  });
});
