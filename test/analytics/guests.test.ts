import { randomUUID } from 'node:crypto';
import type { ActivityParams } from '../../lambdas/activity/activity-entry.ts';
import type { ActivityLogger } from '../../lambdas/activity/activity-logger.ts';
import { AnalyticsReports } from '../../lambdas/analytics/reports.ts';
import { AnalyticsRollup } from '../../lambdas/analytics/rollup.ts';
import { createLogger } from '../support/activity-logger.ts';
import { createDatabase, type TestDatabase } from '../support/database.ts';
import '../activity/support.ts';
import { writeEntries } from './write-entries.ts';

const dayMillis = 86_400_000;
const from = Date.UTC(2026, 2, 2);
const retention = { activityRetentionMillis: 90 * dayMillis, analyticsRetentionMillis: 730 * dayMillis };
let database: TestDatabase;
let now: number;
let logger: ActivityLogger;
let rollup: AnalyticsRollup;
let reports: AnalyticsReports;

beforeEach(async () => {
  database = await createDatabase();
  now = from + 12 * dayMillis;
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

const write = (entries: readonly ActivityParams[]) => writeEntries(database, logger, entries);

const [sessionId, guest, user] = [randomUUID(), randomUUID(), randomUUID()];
const daysOf = (person: string, ...days: number[]) =>
  days.map((day) => ({ sessionId, userId: person, type: 'zoom', at: from + day * dayMillis }));
const signIn = (day: number, more = {}) =>
  write([
    {
      sessionId,
      userId: user,
      type: 'guest_signed_in',
      at: from + day * dayMillis,
      details: { guestId: guest, ...more },
    },
  ]);
const people = async () =>
  (await reports.people({ from, to: from + 5 * dayMillis })).map((day) => [day.people, day.returning, day.firstTime]);
const onePerson = [
  [1, 0, 1],
  [1, 1, 0],
  [1, 1, 0],
  [1, 1, 0],
  [0, 0, 0],
];

test('[AN4] a guest who signed in is one person on each day, also on finished days that were counted before the sign-in', async () => {
  await write([...daysOf(guest, 0, 1), ...daysOf(user, 1, 2)]);
  await countAll();
  expect(await people()).toEqual([[1, 0, 1], [2, 1, 1], [1, 1, 0], ...Array(2).fill([0, 0, 0])]);
  await signIn(3);
  await countAll();
  expect(await people()).toEqual(onePerson);
  // Entries of the guest that come late count for the user.
  await write(daysOf(guest, 0, 2));
  await countAll();
  expect(await people()).toEqual(onePerson);
  expect((await database.pool.query('SELECT FROM analytics_people WHERE person_id = $1', [guest])).rowCount).toBe(0);
});

test('[AN4] a guest who signed in is one person if everything is counted together', async () => {
  await write([...daysOf(guest, 0, 1), ...daysOf(user, 1, 2)]);
  await signIn(3);
  await countAll();
  expect(await people()).toEqual(onePerson);
});

test('[AN4] a sign-in changes no count of a day whose people were removed', async () => {
  await write([...daysOf(guest, 0, 1), ...daysOf(user, 1)]);
  await countAll();
  const before = await people();
  now = from + 92 * dayMillis;
  await signIn(91);
  await countAll();
  expect(await people()).toEqual(before);
  // The identity was seen once, and does not stay in the list of what is to do.
  expect((await database.pool.query('SELECT FROM guest_identities WHERE NOT counted')).rowCount).toBe(0);
});

test('[AN4] a guest who signed in is present once if the user was present already', async () => {
  const move = (person: string, type: string, hour: number) => ({
    ...{ sessionId, userId: person, type, at: from + hour * 3_600_000 },
  });
  await write([move(guest, 'user_joined', 1), move(user, 'user_joined', 2)]);
  await countAll();
  await signIn(0.25, { stayEnded: true });
  await write([move(user, 'user_left', 8)]);
  await countAll();
  const hours = await reports.usage({ from, to: from + 10 * 3_600_000 }, 'hour');
  expect(hours.map(({ peakPeople }) => peakPeople)).toEqual([0, 1, 2, 2, 2, 2, 2, 1, 1, 0]);
  expect(hours.reduce((sum, { leaves }) => sum + leaves, 0)).toBe(1);
});

test('[AN4] many sign-ins are counted in several batches', async () => {
  const many = Array.from({ length: 1200 }, () => ({ guest: randomUUID(), user: randomUUID() }));
  await write(many.flatMap((one) => [...daysOf(one.guest, 0), ...daysOf(one.user, 0)]));
  await countAll();
  expect((await people())[0]).toEqual([2400, 0, 2400]);
  await database.pool.query(
    `INSERT INTO guest_identities (session_id, guest_id, user_id, signed_in_at)
     SELECT $1, guest, person, now() FROM unnest($2::uuid[], $3::uuid[]) AS u (guest, person)`,
    [sessionId, many.map((one) => one.guest), many.map((one) => one.user)],
  );
  expect(await rollup.run(0)).toMatchObject({ complete: false });
  expect((await people())[0]).toEqual([1900, 0, 1900]);
  await countAll();
  expect((await people())[0]).toEqual([1200, 0, 1200]);
});
