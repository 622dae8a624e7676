import { randomUUID } from 'node:crypto';
import type { Pool, PoolClient } from 'pg';
import type { ActivityParams } from '../../lambdas/activity/activity-entry.ts';
import type { ActivityLogger } from '../../lambdas/activity/activity-logger.ts';
import { AnalyticsReports, type BusySession, type Period } from '../../lambdas/analytics/reports.ts';
import { AnalyticsRollup } from '../../lambdas/analytics/rollup.ts';
import { lengthClassOf } from '../../lambdas/analytics/tally.ts';
import { SeededRandom } from '../harness/seeded-random.ts';
import { createLogger } from '../support/activity-logger.ts';
import { createDatabase, type TestDatabase } from '../support/database.ts';
import '../activity/support.ts';
import { PlainCounts } from './plain-counts.ts';
import { randomWeek } from './random-week.ts';
import { writeEntries } from './write-entries.ts';

const dayMillis = 86_400_000;
const from = Date.UTC(2026, 2, 2);
const period: Period = { from, to: from + 12 * dayMillis };
const owner = randomUUID();
const retention = { activityRetentionMillis: 90 * dayMillis, analyticsRetentionMillis: 730 * dayMillis };
const seeds = process.env['ANALYTICS_SEED'] ? [Number(process.env['ANALYTICS_SEED'])] : [1, 2, 3];

let database: TestDatabase;
let now = period.to;
let logger: ActivityLogger;
let rollup: AnalyticsRollup;
let reports: AnalyticsReports;

beforeEach(async () => {
  database = await createDatabase();
  now = period.to;
  const clock = () => now;
  logger = createLogger({ pool: database.pool, clock });
  rollup = new AnalyticsRollup({ pool: database.pool, clock, ...retention });
  reports = new AnalyticsReports(database.pool);
});
afterEach(() => database.drop());

async function countAll(): Promise<void> {
  await logger.sealChains();
  expect(await rollup.run()).toMatchObject({ complete: true });
}

/** The row of a session exists when an entry says that it ended, because both are written in one transaction. */
async function addSessions(entries: readonly ActivityParams[]): Promise<void> {
  const created = entries.filter(({ type }) => type === 'session_created');
  await database.pool.query(`INSERT INTO users (id, username) VALUES ($1, 'Owner')`, [owner]);
  await database.pool.query(
    `INSERT INTO collaboration_sessions (id, operation_id, session_id, owner_id, start_time)
     SELECT id, 'op', id::text, $1, to_timestamp(at / 1000) FROM unnest($2::uuid[], $3::float8[]) AS s (id, at)`,
    [owner, created.map(({ sessionId }) => sessionId), created.map(({ at }) => at)],
  );
}

const write = (entries: readonly ActivityParams[]) => writeEntries(database, logger, entries);

/** Connections that break at the statement with this number. */
function breakingPool(pool: Pool, statement: number): Pick<Pool, 'query' | 'connect'> {
  let left = statement;
  const connect = async () => {
    const client = await pool.connect();
    const query = (...parameters: [string]) => {
      left -= 1;
      if (left === 0) throw new Error('The sweep was killed here.');
      return client.query(...parameters);
    };
    return new Proxy(client, { get: (target, name) => (name === 'query' ? query : boundTo(target, name)) });
  };
  return { query: pool.query.bind(pool) as Pool['query'], connect: connect as Pool['connect'] };
}

function boundTo(client: PoolClient, name: string | symbol): unknown {
  const value = Reflect.get(client, name);
  return typeof value === 'function' ? value.bind(client) : value;
}

/** Everything that the reports say, for comparisons. */
async function allReports() {
  return {
    days: await reports.usage(period, 'day'),
    hours: await reports.usage(period, 'hour'),
    people: await reports.people(period),
    leaves: await reports.leaves(period, 'day'),
    activities: await reports.activities(period),
    lengths: (await reports.lengths(period)).items,
    byEntries: await allSessions('entries'),
    byJoins: await allSessions('joins'),
  };
}

/** Reads the list of the busiest sessions page by page. */
async function allSessions(by: 'entries' | 'joins'): Promise<Omit<BusySession, 'name' | 'key'>[]> {
  const items: BusySession[] = [];
  for (let before: string | undefined, more = true; more; more = before !== undefined) {
    const page = await reports.sessions(period, { by, limit: 7, before });
    items.push(...page.items);
    before = page.next;
  }
  return items.map(({ name: _, key: __, ...row }) => row);
}

async function plainReports() {
  const plain = new PlainCounts(database.pool, period);
  const classes = Map.groupBy(await plain.lengths(), ({ of, seconds }) => `${of} ${lengthClassOf(seconds)}`);
  const { items } = await reports.lengths({ from: period.to, to: period.to + dayMillis });
  return {
    days: await plain.usage('day'),
    hours: await plain.usage('hour'),
    people: await plain.people(),
    leaves: await plain.leaves(),
    activities: await plain.activities(),
    lengths: items.map((each) => ({ ...each, count: classes.get(`${each.of} ${each.fromSeconds}`)?.length ?? 0 })),
    byEntries: await plain.sessions('entries'),
    byJoins: await plain.sessions('joins'),
  };
}

test.each(seeds)(
  '[AN1][AN2][SA10] the reports of a random week equal plain counts of the audit trail (seed %i)',
  async (seed) => {
    const random = SeededRandom.mixed(seed);
    const entries = randomWeek(random, from);
    await addSessions(entries);
    // A tenth comes late, and some come twice.
    const late = entries.filter(() => random.chance(0.1));
    const inTime = entries.filter((entry) => !late.includes(entry));
    for (let first = 0; first < inTime.length; ) {
      const batch = inTime.slice(first, first + random.int(1, 200));
      first += batch.length;
      await write(random.chance(0.3) ? [...batch, ...batch.slice(0, 5)] : batch);
      if (random.chance(0.5)) await logger.sealChains();
      if (random.chance(0.5)) await rollup.run();
      if (random.chance(0.5)) {
        const broken = breakingPool(database.pool, random.int(2, 14));
        const killed = new AnalyticsRollup({ pool: broken, clock: () => now, ...retention });
        await killed.run().catch((error: Error) => expect(error.message).toBe('The sweep was killed here.'));
      }
      if (random.chance(0.3)) await Promise.all([rollup.run(), rollup.run(), logger.sealChains()]);
    }
    for (const entry of late.sort(() => (random.chance(0.5) ? 1 : -1))) {
      await write([entry]);
      if (random.chance(0.2)) await countAll();
    }
    await write(late.slice(0, 20));
    await countAll();
    const plain = await plainReports();
    expect(plain.days.reduce((sum, { entries: many }) => sum + many, 0)).toBe(entries.length);
    expect(plain.people.some(({ returning }) => returning > 0)).toBe(true);
    expect(await allReports()).toEqual(plain);
  },
);

test('[AN1] the retention of the audit trail changes no count, and a late entry after it still counts', async () => {
  const random = SeededRandom.mixed(7);
  const entries = randomWeek(random, from);
  const late = entries.pop()!;
  await write(entries);
  await countAll();
  const before = await allReports();
  now = period.to + 91 * dayMillis;
  await countAll();
  await logger.removeExpired();
  expect((await database.pool.query('SELECT FROM activity_log')).rowCount).toBe(0);
  expect(await allReports()).toEqual(before);
  await logger.logActivities([late]);
  await countAll();
  const sumOf = (days: { entries: number }[]) => days.reduce((sum, day) => sum + day.entries, 0);
  expect(sumOf((await allReports()).days)).toBe(sumOf(before.days) + 1);
});

test('[AN3] what names people and sessions is kept as long as the audit trail, and counts longer', async () => {
  await write(randomWeek(SeededRandom.mixed(8), from));
  await countAll();
  const before = await allReports();
  now = period.to + 91 * dayMillis;
  await rollup.removeExpired();
  for (const table of ['analytics_people', 'analytics_sessions']) {
    expect((await database.pool.query(`SELECT FROM ${table}`)).rowCount).toBe(0);
  }
  expect(await allReports()).toEqual({ ...before, byEntries: [], byJoins: [] });
  // An entry that comes now is older than the retention: it must not name its session and its person again.
  const late = { sessionId: randomUUID(), userId: randomUUID(), type: 'zoom', at: from, activityId: randomUUID() };
  await logger.logActivities([late]);
  await countAll();
  for (const table of ['analytics_people', 'analytics_sessions']) {
    expect((await database.pool.query(`SELECT FROM ${table}`)).rowCount).toBe(0);
  }
});

test('[AN3] only the rows of two tables name a person or a session, and deleting them changes no count', async () => {
  const [sessionId, userId] = [randomUUID(), randomUUID()];
  const about = { sessionId, userId, ipAddress: '203.0.113.9', userAgent: 'Secret', username: 'Secret' };
  await logger.logActivities([
    { ...about, type: 'user_joined', at: from, details: { role: 'viewer' } },
    { ...about, type: 'comment_added', at: from, details: { text: 'Secret' } },
  ]);
  await countAll();
  const tables = ['counts', 'types', 'minutes', 'hours', 'days', 'progress', 'sessions', 'people'];
  const told = async (table: string) =>
    JSON.stringify((await database.pool.query(`SELECT * FROM analytics_${table}`)).rows);
  const naming = [];
  for (const table of tables) if (/secret|203\.0/i.test(await told(table))) naming.push(table);
  expect(naming).toEqual([]);
  for (const table of tables) {
    const text = await told(table);
    if (text.includes(userId)) naming.push(`${table}: person`);
    if (text.includes(sessionId)) naming.push(`${table}: session`);
  }
  expect(naming).toEqual(['sessions: session', 'people: person']);
  const before = await reports.people(period);
  await database.pool.query('DELETE FROM analytics_people WHERE person_id = $1', [userId]);
  expect(await reports.people(period)).toEqual(before);
});

test('[AN1] people who are still present count in later peaks after the counts of their day were removed', async () => {
  const userId = randomUUID();
  const sessionId = randomUUID();
  await logger.logActivities([{ sessionId, userId, type: 'user_joined', at: from, details: { role: 'viewer' } }]);
  await countAll();
  now = from + 731 * dayMillis;
  const today = { from: from + 731 * dayMillis, to: from + 732 * dayMillis };
  const peak = async () => (await reports.usage(today, 'day')).map(({ peakPeople }) => peakPeople);
  expect(await peak()).toEqual([1]);
  await rollup.removeExpired();
  expect((await database.pool.query('SELECT FROM analytics_days')).rowCount).toBe(0);
  expect(await peak()).toEqual([1]);
});

test('[AN2] types that an application makes up are counted together beyond the first 200 of a day', async () => {
  const sessionId = randomUUID();
  const typed = (n: number) => ({ sessionId, userId: null, type: `type ${String(n).padStart(3, '0')}`, at: from });
  await logger.logActivities(Array.from({ length: 150 }, (_, n) => typed(n)));
  await countAll();
  await logger.logActivities(Array.from({ length: 300 }, (_, n) => typed(n)));
  await countAll();
  await logger.logActivities([typed(0), typed(299)]);
  await countAll();
  const found = await reports.activities(period);
  expect(found.length).toBe(201);
  expect(found[0]).toEqual({ activityType: null, count: 101 });
  expect(found[1]).toEqual({ activityType: 'type 000', count: 3 });
  expect(found.reduce((sum, { count }) => sum + count, 0)).toBe(452);
});

test('[AN1] entries with unusual details count, and do not stop the others', async () => {
  const sessionId = randomUUID();
  const left = (details: Record<string, unknown>) => ({
    sessionId,
    userId: randomUUID(),
    type: 'user_left',
    at: from,
    details,
  });
  const unusual = [
    {},
    { cause: 7, durationSeconds: 'long' },
    { cause: 'left', durationSeconds: -1 },
    { durationSeconds: 1e300 },
  ];
  await logger.logActivities(
    [...unusual, { cause: 'left', durationSeconds: 61 }].map((details) => left({ ...details })),
  );
  await countAll();
  expect(await reports.leaves(period, 'day')).toEqual([
    { at: from, cause: 'left', count: 2 },
    { at: from, cause: 'unknown', count: 2 },
    { at: from, cause: '7', count: 1 },
  ]);
  expect(await reports.lengths(period)).toMatchObject({ meanStaySeconds: 61, meanSessionSeconds: null });
});
