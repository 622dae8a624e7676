import { randomUUID } from 'node:crypto';
import { type ActivityQuery, conditionOf } from '../../lambdas/activity/activity-query.ts';
import { ActivityReader } from '../../lambdas/activity/activity-reader.ts';
import { unchained } from '../../lambdas/activity/activity-retention.ts';
import { AttendanceReport } from '../../lambdas/activity/attendance.ts';
import { encodeCursor } from '../../lambdas/activity/page-cursor.ts';
import { PresenceHistory } from '../../lambdas/activity/presence-history.ts';
import { createDatabase, type TestDatabase } from '../support/database.ts';

const sessionId = randomUUID();
const rare = randomUUID();
const entries = 200_000;
let database: TestDatabase;

/** A session of 200,000 entries, one per second, beside others; one in 10,000 has a rare type and user. */
beforeAll(async () => {
  database = await createDatabase();
  await database.pool.query(
    `INSERT INTO activity_log (session_id, user_id, activity_type, details, created_at)
     SELECT CASE WHEN n % 10 = 9 THEN gen_random_uuid() ELSE $1::uuid END,
       CASE WHEN n % 10000 = 0 THEN $2::uuid ELSE md5((n % 40)::text)::uuid END,
       CASE WHEN n % 10000 = 0 THEN 'rare' ELSE 'common' || n % 5 END, '{"n": 1}',
       '2026-01-01'::timestamptz + n * interval '1 second'
     FROM generate_series(1, $3::int) n`,
    [sessionId, rare, entries],
  );
  // All tables, so that the plans do not depend on whether PostgreSQL has analyzed the others by itself meanwhile.
  await database.pool.query('VACUUM ANALYZE');
});

afterAll(() => database.drop());

interface PlanNode {
  'Node Type': string;
  'Index Name'?: string;
  'Shared Hit Blocks': number;
  'Shared Read Blocks': number;
  Plans?: PlanNode[];
}

/** The plan of the one statement that is sent. */
async function planOfStatement(send: (database: never) => Promise<unknown>) {
  const sent: { text: string; values: unknown[] }[] = [];
  const remember = async (statement: string | (typeof sent)[0], values: unknown[] = []) => {
    sent.push(typeof statement === 'string' ? { text: statement, values } : statement);
    return { rows: [] };
  };
  await send({ query: remember } as never);
  expect(sent).toHaveLength(1);
  const { text, values } = sent[0]!;
  const explained = await database.pool.query(`EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) ${text}`, values);
  const plan: PlanNode = explained.rows[0]['QUERY PLAN'][0].Plan;
  // The statement is prepared, because PostgreSQL may then use one generic plan for all values.
  const generic = await database.pool.query(`EXPLAIN (GENERIC_PLAN, FORMAT JSON) ${text}`);
  const nodes: PlanNode[] = [];
  const visit = (node: PlanNode) => {
    nodes.push(node);
    node.Plans?.forEach(visit);
  };
  visit(plan);
  return {
    indexes: nodes.flatMap((node) => node['Index Name'] ?? []),
    generic: JSON.stringify(generic.rows),
    blocks: plan['Shared Hit Blocks'] + plan['Shared Read Blocks'],
  };
}

/** The plan of the statement that `page` sends. */
const planOf = (query: ActivityQuery) =>
  planOfStatement((database) => new ActivityReader(database).page(sessionId, { limit: 50, ...query }));

describe('the plan of a page among 200,000 entries', () => {
  const middle = encodeCursor(sessionId, { createdAt: Date.UTC(2026, 0, 2), id: randomUUID() });

  test.each([
    ['the first', {}],
    ['one in the middle', { before: middle }],
    ['one of an hour', { from: Date.UTC(2026, 0, 1, 10), to: Date.UTC(2026, 0, 1, 11) }],
  ])('[AC4] %s reads idx_activity_session and few blocks', async (_, query) => {
    const plan = await planOf(query);
    expect(plan.indexes).toContain('idx_activity_session');
    expect(plan.generic).toContain('"idx_activity_session"');
    expect(plan.blocks).toBeLessThan(50);
  });

  test.each([
    ['of a rare type', { activityType: 'rare' }, 'idx_activity_session_type'],
    ['of a rare user', { userId: rare }, 'idx_activity_session_user'],
  ])('[AC4] one %s reads only the entries that it returns', async (_, query, index) => {
    const plan = await planOf(query);
    expect(plan.indexes).toContain(index);
    expect(plan.generic).toContain(`"${index}"`);
    expect(plan.blocks).toBeLessThan(50);
  });

  test('[AC4] the last page costs as much as the first one', async () => {
    const last = encodeCursor(sessionId, { createdAt: Date.UTC(2026, 0, 1, 0, 2), id: randomUUID() });
    const [first, deep] = [await planOf({}), await planOf({ before: last })];
    expect(deep.blocks).toBeLessThan(first.blocks * 2);
  });

  test.each<[string, (database: never) => Promise<unknown>]>([
    ['history', (database) => new PresenceHistory(database).whoWasHere(sessionId, Date.UTC(2026, 0, 2))],
    ['attendance', (database) => new AttendanceReport(database).page(sessionId, {}, Date.UTC(2026, 0, 2))],
  ])('[PR9] the %s reads only the movements of the session, with an index', async (_, send) => {
    const plan = await planOfStatement(send);
    expect(plan.indexes).toContain('idx_activity_session_type');
    expect(plan.generic).not.toMatch(/"Seq Scan"[^{}]*"activity_log"/);
    expect(plan.blocks).toBeLessThan(50);
  });

  test('retention finds the oldest entries without reading the others', async () => {
    const explained = await database.pool.query(`EXPLAIN (FORMAT JSON) ${unchained}`, [
      ...[new Date(Date.UTC(2026, 0, 1)), Date.UTC(2026, 0, 1)],
    ]);
    expect(JSON.stringify(explained.rows)).toContain('idx_activity_retention');
  });

  test('[AC4] the guests of a user are looked for only in the session that is asked about', async () => {
    const { generic } = await planOf({ userId: rare });
    const { text } = conditionOf(sessionId, { userId: rare });
    expect(generic).toMatch(/guest_identities[^{}]*session_id = \$\d/);
    expect(text).toContain('g.session_id = $1::uuid');
  });

  test('a condition has its parameters in the order of its values', () => {
    const place = { createdAt: 5, id: rare };
    const { text, values } = conditionOf(sessionId, { userId: rare, activityType: 't', from: 1, to: 2 }, place);
    expect(values).toEqual([sessionId, rare, 't', 1, 2, 5, rare]);
    expect([...text.matchAll(/\$(\d)/g)].map(([, n]) => Number(n))).toEqual([1, 2, 1, 3, 4, 5, 6, 7]);
  });
});
