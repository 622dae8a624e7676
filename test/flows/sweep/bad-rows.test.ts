import { randomUUID } from 'node:crypto';
import { ActivityRetention } from '../../../lambdas/activity/activity-retention.ts';
import { CheckpointMaker } from '../../../lambdas/activity/checkpoint-maker.ts';
import { AnalyticsRollup } from '../../../lambdas/analytics/rollup.ts';
import { FigureStore } from '../../../lambdas/figures/figure-store.ts';
import { setAsideMessage } from '../../../lambdas/platform/environment.ts';
import { forgetSetAside } from '../../../lambdas/platform/forget-set-aside.ts';
import { log } from '../../../lambdas/platform/log.ts';
import { SetAside } from '../../../lambdas/platform/set-aside.ts';
import { localSigner } from '../../activity/local-signer.ts';
import { refuseBadRows } from '../../support/bad-rows.ts';
import { createDatabase, type TestDatabase } from '../../support/database.ts';

const dayMillis = 86_400_000;
const start = Date.UTC(2026, 4, 4, 12);
let database: TestDatabase;
let rows: Awaited<ReturnType<typeof refuseBadRows>>;
let now: number;
let logged: jest.SpyInstance;

beforeEach(async () => {
  logged = jest.spyOn(log, 'error').mockImplementation(() => {});
  now = start;
  database = await createDatabase();
  rows = await refuseBadRows(database.pool, {
    ...{ live_sessions: 'session_id', service_figures: 'visits', guest_identities: 'guest_id' },
    ...{
      sweep_set_aside: 'error',
      activity_checkpoint_heads: 'session_id',
      analytics_sessions: 'session_id',
      analytics_people: 'person_id',
    },
    ...{ analytics_days: 'joined', analytics_minutes: 'joined', analytics_hours: 'highest' },
    ...{ analytics_types: 'activity_type', analytics_counts: 'label' },
  });
});
afterEach(async () => {
  jest.restoreAllMocks();
  await database.drop();
});

const clock = () => now;
const figures = () => new FigureStore(database.pool);
const expire = () =>
  new AnalyticsRollup({
    ...{ pool: database.pool, clock, activityRetentionMillis: dayMillis, analyticsRetentionMillis: 10 * dayMillis },
  }).removeExpired();
const count = async (table: string) => (await database.pool.query(`SELECT FROM ${table}`)).rowCount ?? 0;

/** Inserts a row for each of the ids; `$1` are the ids, and `id` and `n` are the id and the number of a row. */
const insert = (ids: readonly string[], table: string, values: string) =>
  database.pool.query(`INSERT INTO ${table} SELECT ${values} FROM unnest($1::text[]) WITH ORDINALITY AS g (id, n)`, [
    ids,
  ]);

const old = "timestamptz '2026-01-01 00:00Z' + n * interval '1 hour'";
const oldDay = "date '2026-01-01'";
const eachDay = `${oldDay} + n::integer`;
const ids = () => Array.from({ length: 5 }, () => randomUUID() as string);
const numbers = () => ['11', '12', '13', '14', '15'];

interface Case {
  step: string;
  table: string;
  /** The ids by which rows are bad. */
  ids: () => string[];
  prepare: (ids: string[]) => Promise<unknown>;
  run: (ids: string[]) => Promise<unknown>;
  /** How many rows are left to process if the table does not say it. */
  left?: () => Promise<number>;
}

/** A retention that deletes rows with these values from a table. */
const removal = (step: string, table: string, ids: () => string[], values: string, run: Case['run']): Case => ({
  ...{ step, table, ids, run },
  prepare: (given) => insert(given, table, values),
});

const cases: Case[] = [
  {
    ...{ step: 'live-session', table: 'live_sessions (written)', ids },
    prepare: async () => {},
    run: (given) =>
      figures().writeSessions(
        given.map((sessionId) => ({ sessionId, people: 2, online: 2, dollars: 0 })),
        now,
      ),
    left: async () => 5 - (await count('live_sessions')),
  },
  removal('live-session', 'live_sessions', ids, `id::uuid, 1, 1, 0, ${old}`, () => figures().forgetOld(now)),
  removal('figures', 'service_figures', numbers, `${old}, id::bigint`, () => figures().forgetOld(now)),
  removal('forget-guest', 'guest_identities', ids, `gen_random_uuid(), id::uuid, gen_random_uuid(), ${old}`, () =>
    new ActivityRetention(database.pool, clock).run(now - dayMillis, 10_000),
  ),
  {
    ...{ step: 'checkpoint-heads', table: 'activity_checkpoint_heads', ids },
    async prepare(given) {
      const hash = "decode(repeat('00', 32), 'hex')";
      const signature = "decode(repeat('00', 64), 'hex')";
      await insert(given, 'activity_checkpoints', `n, ${old}, ${hash}, 1, ${hash}, ${hash}, ${signature}, ${hash}`);
      await insert(given, 'activity_checkpoint_heads', `id::uuid, n, 0, 1, ${hash}, ''`);
      await insert(
        given,
        'activity_chains (session_id, sequence, hash, anchor_sequence, anchor_hash)',
        `id::uuid, 1, ${hash}, 1, ${hash}`,
      );
    },
    run: () =>
      new CheckpointMaker({
        ...{ pool: database.pool, signer: localSigner(), clock, retentionMillis: dayMillis },
      }).removeExpired(),
  },
  removal('old-count', 'analytics_sessions', ids, `${oldDay}, id::uuid, 1, 1`, expire),
  removal('old-count', 'analytics_people', ids, `id::uuid, ${oldDay}`, expire),
  removal('old-count', 'analytics_days', numbers, `${eachDay}, id::bigint`, expire),
  removal('old-count', 'analytics_minutes', numbers, `${old}, id::bigint, 0`, expire),
  removal('old-count', 'analytics_hours', numbers, `${old}, 0, id::bigint`, expire),
  removal('old-count', 'analytics_types', ids, `${oldDay}, id, 1`, expire),
  removal('old-count', 'analytics_counts', ids, `${old}, 'joins', id, 1`, expire),
];

test.each(cases)(
  'a row that cannot be processed is set aside and told, the others are processed, and it is tried again: $step of $table',
  async (one) => {
    const given = one.ids();
    const left = one.left ?? (() => count(one.table));
    await one.prepare(given);
    await rows.spoil(given[1]!);
    await one.run(given);
    expect(await left()).toBe(1);
    expect(await rows.aside()).toMatchObject([{ step: one.step, failures: 1 }]);
    expect(logged).toHaveBeenCalledWith(setAsideMessage, expect.objectContaining({ step: one.step }));
    await rows.mend();
    logged.mockClear();
    await one.run(given);
    expect(await left()).toBe(1);
    now += 60_000;
    await one.run(given);
    expect(await left()).toBe(0);
    expect(logged).not.toHaveBeenCalled();
  },
);

test('the sum of the days that are removed is kept once, also if one of them is set aside first', async () => {
  const given = numbers();
  await insert(given, 'analytics_days', `${eachDay}, id::bigint`);
  await rows.spoil('12');
  await expire();
  const balance = async () => (await database.pool.query('SELECT balance FROM analytics_progress')).rows[0].balance;
  expect(await balance()).toBe('53');
  await rows.mend();
  now += 60_000;
  await expire();
  expect(await balance()).toBe('65');
});

test('a day with a bad row does not keep the people and sessions of later days', async () => {
  const given = ids();
  await insert(given, 'analytics_people', `id::uuid, ${eachDay}`);
  await rows.spoil(given[0]!);
  for (const _ of [1, 2]) await expire();
  expect(await count('analytics_people')).toBe(1);
});

test('[SE10] a row that was set aside is forgotten after a week without a failure, also if another one cannot be deleted', async () => {
  const given = ids();
  const bad = given[1]!;
  await insert(given, 'sweep_set_aside', `'expire', id, 'a fault of ' || id, 1, to_timestamp(0), to_timestamp(0)`);
  await rows.spoil(`a fault of ${bad}`);
  const recent = randomUUID();
  await new SetAside(database.pool, clock).add('expire', recent, new Error('a fault of today'));
  await forgetSetAside(database.pool, now);
  expect((await rows.aside()).map(({ step, id }) => `${step} ${id}`).sort()).toEqual(
    [`expire ${bad}`, `expire ${recent}`, `forget-aside expire ${bad}`].sort(),
  );
  await rows.mend();
  now += 30 * dayMillis;
  for (const _ of [1, 2]) await forgetSetAside(database.pool, now);
  expect(await rows.aside()).toEqual([]);
});
