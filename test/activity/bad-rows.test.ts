import { randomUUID } from 'node:crypto';
import type { DynamoDBClient, QueryCommand } from '@aws-sdk/client-dynamodb';
import { ActivityLogger } from '../../lambdas/activity/activity-logger.ts';
import { ActivityOutbox } from '../../lambdas/activity/activity-outbox.ts';
import { CheckpointMaker } from '../../lambdas/activity/checkpoint-maker.ts';
import { AnalyticsRollup, type RollupOptions } from '../../lambdas/analytics/rollup.ts';
import { dueLinks } from '../../lambdas/analytics/rollup-sql.ts';
import { recordArrivals } from '../../lambdas/flows/journal/arrivals.ts';
import { MovementWriter } from '../../lambdas/flows/journal/movement-writer.ts';
import { refuseBadRows } from '../support/bad-rows.ts';
import { createDatabase, type TestDatabase } from '../support/database.ts';
import { testServices } from '../support/test-services.ts';
import { localSigner } from './local-signer.ts';
import { createOutbox, SwitchedPool, type TestOutbox } from './support.ts';

let database: TestDatabase;
let store: TestOutbox;
let pool: SwitchedPool;
let logger: ActivityLogger;
let rows: Awaited<ReturnType<typeof refuseBadRows>>;
let now = Date.now();
const [first, second] = [randomUUID(), randomUUID()];

beforeEach(async () => {
  database = await createDatabase();
  rows = await refuseBadRows(database.pool, { activity_log: 'activity_type', activity_seals: 'session_id' });
  store = await createOutbox();
  pool = new SwitchedPool(database.pool);
  logger = new ActivityLogger({ pool, outbox: store.outbox, clock: () => now, retentionMillis: 1000 });
});
afterEach(() => database.drop());

const sealedOf = async (sessionId: string) =>
  (await database.pool.query('SELECT FROM activity_seals WHERE session_id = $1', [sessionId])).rowCount;

function rollupOf(database: RollupOptions['pool'] = pool) {
  const dayMillis = 86_400_000;
  const retention = { activityRetentionMillis: 90 * dayMillis, analyticsRetentionMillis: 730 * dayMillis };
  return new AnalyticsRollup({ pool: database, clock: () => now, ...retention });
}

test('[AC3] an outbox entry that a trigger refuses is set aside, and the entries behind it are written', async () => {
  pool.away = true;
  for (const type of ['a', 'bad', 'b']) logger.queueActivity({ sessionId: first, userId: null, type });
  await logger.flush();
  pool.away = false;
  await rows.spoil('bad');
  expect(await logger.replayOutbox()).toEqual({ replayed: 2, setAside: 1, complete: true });
  expect((await store.items()).map(({ shard, entry }) => [shard, entry.activityType])).toEqual([
    ['activity-aside', 'bad'],
  ]);
});

test('[AC3] a shard of the outbox that cannot be read does not keep the entries of the others waiting', async () => {
  pool.away = true;
  const sessions = Array.from({ length: 40 }, () => randomUUID());
  for (const sessionId of sessions) logger.queueActivity({ sessionId, userId: null, type: 'a' });
  await logger.flush();
  pool.away = false;
  const [broken] = new Set((await store.items()).map(({ shard }) => shard));
  const client = {
    send: (command: QueryCommand) =>
      command.input.ExpressionAttributeValues?.[':shard']?.S === broken
        ? Promise.reject(new Error('throttled'))
        : store.client.send(command),
  };
  const outbox = new ActivityOutbox({ client: client as unknown as DynamoDBClient, table: store.table });
  await expect(new ActivityLogger({ pool, outbox }).replayOutbox()).rejects.toThrow('throttled');
  expect(new Set((await store.items()).map(({ shard }) => shard))).toEqual(new Set([broken]));
});

test('a chain with a changed head does not stop the sealing of other chains', async () => {
  for (const sessionId of [first, second]) await logger.logActivity(sessionId, null, 'a');
  await logger.sealChains();
  await database.pool.query('UPDATE activity_chains SET sequence = 0 WHERE session_id = $1', [first]);
  for (const sessionId of [first, second]) await logger.logActivity(sessionId, null, 'b');
  expect(await logger.sealChains()).toMatchObject({ sealed: 1 });
  expect(await rows.aside()).toEqual([{ step: 'seal', id: first, failures: 1 }]);
  await logger.logActivity(second, null, 'c');
  expect(await logger.sealChains()).toMatchObject({ sealed: 1, complete: true });
  expect([await sealedOf(first), await sealedOf(second)]).toEqual([1, 3]);
});

test('[AC8] a chain whose head cannot be stored does not keep the others out of the checkpoint', async () => {
  const sessions = Array.from({ length: 9 }, () => randomUUID());
  for (const sessionId of sessions) await logger.logActivity(sessionId, null, 'a');
  await logger.sealChains();
  await database.pool.query(`CREATE TRIGGER bad_head BEFORE INSERT ON activity_checkpoint_heads
    FOR EACH ROW EXECUTE FUNCTION refuse_bad_row('session_id')`);
  await rows.spoil(sessions[4]!);
  const clock = () => now;
  const maker = new CheckpointMaker({ pool, signer: localSigner(), clock, retentionMillis: 1000 });
  expect(await maker.run()).toBe(1);
  const headsOf = async () =>
    (await database.pool.query('SELECT session_id AS id FROM activity_checkpoint_heads ORDER BY number, leaf')).rows;
  expect((await headsOf()).map(({ id }) => id)).toEqual(sessions.toSpliced(4, 1).sort());
  expect(await rows.aside()).toEqual([{ step: 'checkpoint', id: sessions[4], failures: 1 }]);
  await rows.mend();
  now += 86_400_000;
  expect(await maker.run()).toBe(1);
  expect((await headsOf()).at(-1)).toEqual({ id: sessions[4] });
});

test('[AN1] a link that cannot be counted is set aside, the links behind it are counted, and it counts when it is mended', async () => {
  const users = Array.from({ length: 40 }, () => randomUUID());
  for (const userId of users) logger.queueActivity({ sessionId: first, userId, type: 'user_joined' });
  await logger.flush();
  await logger.sealChains();
  await database.pool.query(`CREATE TRIGGER bad_person BEFORE INSERT ON analytics_people
    FOR EACH ROW EXECUTE FUNCTION refuse_bad_row('person_id')`);
  await rows.spoil(users[17]!);
  const rollup = rollupOf();
  expect(await rollup.run()).toEqual({ counted: 39, complete: true });
  const counted = await database.pool.query('SELECT person_id AS id FROM analytics_people');
  expect(counted.rows.map(({ id }) => id).sort()).toEqual(users.toSpliced(17, 1).sort());
  expect(await rows.aside()).toMatchObject([{ step: 'count', failures: 1 }]);
  logger.queueActivity({ sessionId: first, userId: users[3]!, type: 'comment_added' });
  await logger.flush();
  await logger.sealChains();
  expect(await rollup.run()).toEqual({ counted: 1, complete: true });
  now += 60_000;
  await rollup.run();
  expect(await rows.aside()).toMatchObject([{ step: 'count', failures: 2 }]);
  await rows.mend();
  now += 120_000;
  for (const run of [1, 2]) expect([run, await rollup.run()]).toEqual([run, { counted: 0, complete: true }]);
  expect(await rows.aside()).toEqual([]);
  const entries = await database.pool.query('SELECT sum(entries)::integer AS sum FROM analytics_sessions');
  expect(entries.rows).toEqual([{ sum: 41 }]);
});

test('[AN1] a link that was set aside counts once, also if two rollups find it at the same time', async () => {
  const userId = randomUUID();
  await logger.logActivity(first, userId, 'user_joined');
  await logger.sealChains();
  await database.pool.query(`CREATE TRIGGER bad_person BEFORE INSERT ON analytics_people
    FOR EACH ROW EXECUTE FUNCTION refuse_bad_row('person_id')`);
  await rows.spoil(userId);
  await rollupOf().run();
  await rows.mend();
  now += 60_000;
  let raced = 0;
  const racing = {
    connect: pool.connect.bind(pool),
    async query(...parameters: [string]) {
      const found = await pool.query(...parameters);
      if (parameters[0] === dueLinks && raced++ === 0) await rollupOf().run();
      return found;
    },
  };
  await rollupOf(racing as unknown as RollupOptions['pool']).run();
  expect(raced).toBe(1);
  expect(await rows.aside()).toEqual([]);
  expect((await database.pool.query('SELECT joins FROM analytics_sessions')).rows).toEqual([{ joins: '1' }]);
});

test('[AN4] a guest whose days cannot be given to the user is set aside, and the days of the other guests are', async () => {
  const guests = Array.from({ length: 20 }, () => ({ guestId: randomUUID(), userId: randomUUID() }));
  for (const { guestId } of guests) logger.queueActivity({ sessionId: first, userId: guestId, type: 'user_joined' });
  await logger.flush();
  await logger.sealChains();
  const rollup = rollupOf();
  await rollup.run();
  await database.pool.query(
    'INSERT INTO guest_identities (session_id, guest_id, user_id, signed_in_at) SELECT $1, g, u, now() FROM unnest($2::uuid[], $3::uuid[]) AS x (g, u)',
    [first, guests.map(({ guestId }) => guestId), guests.map(({ userId }) => userId)],
  );
  await database.pool.query(`CREATE TRIGGER bad_guest BEFORE UPDATE ON guest_identities
    FOR EACH ROW EXECUTE FUNCTION refuse_bad_row('guest_id')`);
  const bad = guests[7]!;
  await rows.spoil(bad.guestId);
  logger.queueActivity({ sessionId: first, userId: randomUUID(), type: 'user_joined' });
  await logger.flush();
  await logger.sealChains();
  expect(await rollup.run()).toEqual({ counted: 1, complete: true });
  const isGiven = async () => {
    const { rows: people } = await database.pool.query('SELECT person_id AS id FROM analytics_people');
    return guests.map(({ userId }) => people.some(({ id }) => id === userId));
  };
  expect(await isGiven()).toEqual(guests.map((guest) => guest !== bad));
  expect(await rows.aside()).toEqual([{ step: 'count-guest', id: `${first}:${bad.guestId}`, failures: 1 }]);
  await rows.mend();
  now += 60_000;
  await rollup.run();
  expect(await isGiven()).toEqual(guests.map(() => true));
});

test('a chain that cannot be shortened does not stop the removal of other entries', async () => {
  await logger.logActivity(first, null, 'a');
  now += 10;
  await logger.logActivity(second, null, 'b');
  await logger.sealChains();
  for (const type of ['c', 'd']) {
    await database.pool.query(
      `INSERT INTO activity_log (session_id, activity_type, created_at) VALUES ($1, $2, to_timestamp($3 / 1000.0))`,
      [second, type, now],
    );
  }
  now += 5000;
  await rows.spoil('a');
  await rows.spoil('c');
  await logger.removeExpired();
  const { rows: left } = await database.pool.query('SELECT activity_type AS type FROM activity_log ORDER BY 1');
  expect(left).toEqual([{ type: 'a' }, { type: 'c' }]);
  expect((await rows.aside()).map(({ step }) => step)).toEqual(['retention', 'retention-entry']);
  await rows.mend();
  now += 60_000;
  await logger.removeExpired();
  expect((await database.pool.query('SELECT FROM activity_log')).rowCount).toBe(0);
});

test('[AC1] a join that PostgreSQL refuses is set aside, and the other movements of its session are recorded', async () => {
  const services = testServices({ activity: logger, sessions: { releaseSlots: async () => {} } });
  const came = (userId: string, text: string) => ({
    ...{ userId, username: 'Ada', role: 'viewer' as const, at: now, certain: true, text },
  });
  await database.pool.query(`
    CREATE FUNCTION refuse_ada() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'no'; END $$;
    CREATE TRIGGER refuse_ada BEFORE INSERT ON activity_log FOR EACH ROW WHEN (NEW.user_id = '${first}')
      EXECUTE FUNCTION refuse_ada()`);
  const arrivals = [came(first, 'bad'), came(second, 'good')];
  const writer = new MovementWriter(services);
  expect(await writer.write({ sessionId: first, arrivals, departures: [] })).toEqual({ written: arrivals });
  expect(await rows.aside()).toEqual([{ step: 'movement', id: `${first} bad`, failures: 1 }]);
  expect((await database.pool.query('SELECT user_id FROM activity_log')).rows).toEqual([{ user_id: second }]);
});

test('[AC1] a join is recorded even if a client has already used its id', async () => {
  const services = testServices({ activity: logger });
  const arriving = { userId: second, username: 'Ada', role: 'viewer' as const, at: now, certain: true };
  const record = { sessionId: first, arriving };
  await recordArrivals(services, [record]);
  const { rows: written } = await database.pool.query('DELETE FROM activity_log RETURNING id');
  await logger.logActivity(second, first, 'squat', {}, { activityId: written[0].id });
  expect(await recordArrivals(services, [record])).toEqual([true]);
  expect(await recordArrivals(services, [record])).toEqual([true]);
  const trail = await database.pool.query('SELECT activity_type AS type FROM activity_log ORDER BY 1');
  expect(trail.rows).toEqual([{ type: 'squat' }, { type: 'user_joined' }]);
});
