import { randomUUID } from 'node:crypto';
import type { Counters } from '../../lambdas/figures/figure-rows.ts';
import { FigureStore, type SessionFigures } from '../../lambdas/figures/figure-store.ts';
import { createLogger } from '../support/activity-logger.ts';
import { createDatabase, type TestDatabase } from '../support/database.ts';
import '../activity/support.ts';

const now = Date.UTC(2026, 4, 4, 12);
const owner = randomUUID();
let database: TestDatabase;
let store: FigureStore;

beforeAll(async () => {
  database = await createDatabase();
  store = new FigureStore(database.pool);
  await database.pool.query(`INSERT INTO users (id, username) VALUES ($1, 'Olive')`, [owner]);
});
beforeEach(() => database.pool.query('TRUNCATE live_sessions, service_figures, activity_log'));
afterAll(() => database.drop());

const counters: Counters = {
  visits: 2,
  failedVisits: 1,
  redisMillis: 3.5,
  timeouts: 1,
  received: 4,
  posted: 5,
  fanOut: 6,
  sweepLag: 7,
};

/** Sessions with names, with one more person in each. */
async function addSessions(many: number): Promise<string[]> {
  const { rows } = await database.pool.query(
    `INSERT INTO collaboration_sessions (session_id, operation_id, key, owner_id, metadata)
     SELECT 'SESSION-' || gen_random_uuid(), 'op', 'Key ' || $3 || n, $1, jsonb_build_object('title', 'Title ' || n)
     FROM generate_series(1, $2::int) n RETURNING id`,
    [owner, many, randomUUID()],
  );
  return rows.map(({ id }) => id);
}

const seen = (sessionId: string, people: number | undefined, dollars = 0): SessionFigures => ({
  ...{ sessionId, people, online: people === undefined ? undefined : Math.ceil(people / 2), dollars },
});

test('[OP1] who is present is the sum over the sessions that visits found, without those that no visit renewed', async () => {
  const [one, two, old] = (await addSessions(3)) as [string, string, string];
  await store.writeSessions([seen(old, 9)], now - 121_000);
  await store.writeSessions([seen(one, 4), seen(two, 3)], now);
  expect(await store.present(now)).toEqual({ activeSessions: 2, activeUsers: 7, online: 4 });
  await store.writeSessions([seen(one, 0), seen(two, 1)], now + 1000);
  expect(await store.present(now + 1000)).toEqual({ activeSessions: 1, activeUsers: 1, online: 1 });
  await store.forgetOld(now);
  expect((await database.pool.query('SELECT FROM live_sessions')).rowCount).toBe(1);
});

test('[OP3] a session is not shown as live two minutes after its last visit', async () => {
  const [id] = (await addSessions(1)) as [string];
  await store.writeSessions([seen(id, 2)], now);
  expect(await store.liveSession(id, now + 119_999)).toMatchObject({ people: 2 });
  expect(await store.liveSession(id, now + 120_000)).toBeUndefined();
});

test('[OP2] the cost of a session is its rate in about the last minute', async () => {
  const [id] = (await addSessions(1)) as [string];
  const rate = async () => (await store.liveSession(id, now))!.dollarsPerHour;
  await store.writeSessions([seen(id, 2, 0.01)], now);
  expect(await rate()).toBeCloseTo(0.6);
  // A session that is metered between two visits keeps its people.
  await store.writeSessions([seen(id, undefined, 0.01)], now);
  expect(await store.liveSession(id, now)).toMatchObject({ people: 2, online: 1 });
  expect(await rate()).toBeCloseTo(1.2);
  await store.writeSessions([seen(id, 2)], now + 60_000);
  expect(await rate()).toBeCloseTo(1.2 / Math.E);
  // At a steady cent a second, it is 36 dollars an hour.
  for (let second = 61; second < 660; second += 1) await store.writeSessions([seen(id, 2, 0.01)], now + second * 1000);
  expect(Math.abs((await rate()) - 36)).toBeLessThan(1);
});

test('[OP2] the list of sessions is filtered and paged, by people and by cost', async () => {
  const ids = await addSessions(30);
  await store.writeSessions(
    ids.map((id, n) => seen(id, 1 + (n % 5), n / 1000)),
    now,
  );
  for (const by of ['people', 'dollars'] as const) {
    const read: string[] = [];
    let last: { value: number; sessionId: string } | undefined;
    for (let rows = 7; rows === 7; ) {
      const page = await store.liveSessions({ by, limit: 7, after: last }, now);
      rows = page.length;
      read.push(...page.map(({ sessionId }) => sessionId));
      const end = page.at(-1)!;
      last = end && { value: by === 'people' ? end.people : end.dollarsPerHour, sessionId: end.sessionId };
    }
    expect(read.toSorted()).toEqual(ids.toSorted());
  }
  const [top] = await store.liveSessions({ by: 'dollars', limit: 1 }, now);
  expect(top).toMatchObject({ sessionId: ids[29], title: 'Title 30', ownerName: 'Olive', people: 5, online: 3 });
  const titles = async (search: string) =>
    (await store.liveSessions({ by: 'people', limit: 100, search }, now)).map(({ title }) => title);
  expect((await titles('title 7')).toSorted()).toEqual(['Title 7']);
  expect(await titles('oLIVE')).toHaveLength(30);
  expect(await titles(ids[3]!)).toEqual(['Title 4']);
  expect(await titles('%')).toEqual([]);
});

test('[OP1] several sweeps add to one slot, and joins and leaves are counted by cause', async () => {
  await store.addCounters(now, counters);
  await store.addCounters(now, { ...counters, sweepLag: 2 });
  expect(await store.rows(now, now + 1)).toEqual([
    {
      at: now,
      visits: 4,
      failedVisits: 2,
      redisMillis: 7,
      timeouts: 2,
      received: 8,
      posted: 10,
      fanOut: 12,
      sweepLag: 7,
      found: null,
    },
  ]);
  const logger = createLogger({ pool: database.pool, clock: () => now });
  const about = { sessionId: randomUUID(), userId: owner };
  const entries = [
    ...[0, 1].map((n) => ({ type: 'user_joined', details: {}, at: now + n })),
    { type: 'user_left', details: { cause: 'left' }, at: now + 2 },
    { type: 'user_timeout', details: {}, at: now + 9999 },
    { type: 'user_joined', details: {}, at: now + 10_000 },
    { type: 'zoom', details: {}, at: now },
    { type: 'user_joined', details: { kind: 'agent' }, at: now + 3 },
    { type: 'user_left', details: { kind: 'agent', cause: 'agent_ended' }, at: now + 4 },
  ];
  await logger.logActivities(entries.map((entry) => ({ ...about, ...entry })));
  expect(await store.movements(now, now + 10_000)).toEqual({ joins: 2, leaves: { left: 1, timeout: 1 } });
});

test('[OP2] ten thousand sessions are written with one statement and listed from an index', async () => {
  const ids = await addSessions(10_000);
  await store.writeSessions(
    ids.map((id, n) => seen(id, 1 + (n % 40), n / 1e6)),
    now,
  );
  await database.pool.query('ANALYZE');
  expect(await store.present(now)).toMatchObject({ activeSessions: 10_000 });
  expect(await store.liveSessions({ by: 'people', limit: 50 }, now)).toHaveLength(50);
  const { rows } = await database.pool.query(
    `EXPLAIN SELECT * FROM live_sessions l JOIN collaboration_sessions s ON s.id = l.session_id
     ORDER BY l.people DESC, l.session_id DESC LIMIT 50`,
  );
  expect(JSON.stringify(rows)).toContain('idx_live_sessions_people');
});
