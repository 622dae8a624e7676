import { fillTrail } from '../../bench/analytics/trail.ts';
import { AnalyticsReports, wholePeriod } from '../../lambdas/analytics/reports.ts';
import { AnalyticsRollup } from '../../lambdas/analytics/rollup.ts';
import { FigureStore } from '../../lambdas/figures/figure-store.ts';
import { liveSessionPage } from '../../lambdas/flows/reports/service-reports.ts';
import { createDatabase, type TestDatabase } from '../support/database.ts';
import { testServices } from '../support/test-services.ts';
import { expectWithin } from '../support/time-limits.ts';

const dayMillis = 86_400_000;
const now = Date.UTC(2026, 4, 4, 12);
const sessions = 2000;
const entries = 200_000;
let database: TestDatabase;

beforeAll(async () => {
  database = await createDatabase();
  await database.pool.query(`INSERT INTO users (id, username) VALUES (md5('owner')::uuid, 'Olive')`);
  await fillTrail(database.pool, { from: now - 7 * dayMillis, to: now, entries, seed: 'many sessions' });
  await database.pool.query(
    `INSERT INTO collaboration_sessions (id, session_id, operation_id, owner_id, metadata)
     SELECT md5('many sessions session ' || n)::uuid, 'SESSION-' || n, 'op', md5('owner')::uuid, jsonb_build_object('title', 'Title ' || n)
     FROM generate_series(0, $1::int - 1) n`,
    [sessions],
  );
});
afterAll(() => database.drop());

async function timed<T>(work: () => Promise<T>): Promise<[T, millis: number]> {
  const began = performance.now();
  return [await work(), performance.now() - began];
}

test('[AN1][AN2] 200,000 entries are counted once each, and each report is quick', async () => {
  const retention = { activityRetentionMillis: 90 * dayMillis, analyticsRetentionMillis: 730 * dayMillis };
  const rollup = new AnalyticsRollup({ pool: database.pool, clock: () => now, ...retention });
  expect(await rollup.run(Number.POSITIVE_INFINITY)).toEqual({ counted: entries, complete: true });
  const reports = new AnalyticsReports(database.pool);
  const period = wholePeriod({ from: now - 8 * dayMillis, to: now }, 'day');
  const [usage, millis] = await timed(() => reports.usage(period, 'hour'));
  expect(usage.reduce((sum, hour) => sum + hour.entries, 0)).toBe(entries);
  await expectWithin(millis, 1000);
  const { rows } = await database.pool.query(
    `SELECT count(DISTINCT (session_id, created_at::date)) AS days FROM activity_log`,
  );
  let counted = 0;
  for (let before: string | undefined, more = true; more; more = before !== undefined) {
    const page = await reports.sessions(period, { by: 'entries', limit: 1000, before });
    counted += page.items.length;
    before = page.next;
  }
  expect(counted).toBe(Number(rows[0].days));
});

test('[OP2] 2,000 sessions are listed page by page, each of them once', async () => {
  const figures = new FigureStore(database.pool);
  const { rows } = await database.pool.query(`SELECT id FROM collaboration_sessions`);
  const live = rows.map(({ id }, n) => ({ sessionId: id, people: 1 + (n % 40), online: 1, dollars: (n % 100) / 1e6 }));
  const [, writing] = await timed(() => figures.writeSessions(live, now));
  await expectWithin(writing, 1000);
  const services = testServices({ figures, clock: () => now });
  for (const by of ['people', 'dollars'] as const) {
    const seen = new Set<string>();
    for (let before: string | undefined, more = true; more; more = before !== undefined) {
      const [page, millis] = await timed(() => liveSessionPage(services, { by, limit: 50, before }));
      await expectWithin(millis, 1000);
      for (const { sessionId } of page.items) seen.add(sessionId);
      before = page.next;
    }
    expect(seen.size).toBe(sessions);
  }
});
