import { migrate } from '../../lambdas/runtime/migrations.ts';
import { createDatabase, createEmptyDatabase, type TestDatabase } from '../support/database.ts';

const opened: TestDatabase[] = [];
afterAll(() => Promise.all(opened.map((database) => database.drop())));

async function emptyDatabase(): Promise<TestDatabase> {
  const database = await createEmptyDatabase();
  opened.push(database);
  return database;
}

async function column(database: TestDatabase, sql: string): Promise<unknown[]> {
  const { rows } = await database.pool.query<{ value: unknown }>(sql);
  return rows.map((row) => row.value);
}

describe('migrate', () => {
  test('brings an empty database to the newest shape, and finds nothing to do the second time', async () => {
    const database = await emptyDatabase();
    const ran = await migrate(database.url, 'migrations');
    expect(ran).toEqual(expect.arrayContaining(['0001-tables', '0005-join-session']));
    expect(ran).toEqual([...ran].sort());
    expect(await migrate(database.url, 'migrations')).toEqual([]);
  });

  test('of two at once one waits and finds nothing left to do', async () => {
    const database = await emptyDatabase();
    const [first, second] = await Promise.all([
      migrate(database.url, 'migrations'),
      migrate(database.url, 'migrations'),
    ]);
    expect(Math.min(first.length, second.length)).toBe(0);
    expect(Math.max(first.length, second.length)).toBeGreaterThanOrEqual(5);
  });

  test('makes the tables, indexes, functions and triggers that the contract names', async () => {
    const database = await createDatabase();
    opened.push(database);
    expect(await column(database, `SELECT tablename AS value FROM pg_tables WHERE schemaname = 'public'`)).toEqual(
      expect.arrayContaining([
        ...['users', 'collaboration_sessions', 'session_participants', 'activity_log', 'session_invites', 'machines'],
      ]),
    );
    const indexes = (await column(database, 'SELECT indexdef AS value FROM pg_indexes')).join('\n');
    expect(indexes).toMatch(/idx_activity_session ON public.activity_log USING btree \(session_id, created_at DESC\)/);
    expect(indexes).toMatch(/idx_participants_active ON .* \(session_id\) WHERE \(left_at IS NULL\)/);
    expect(indexes).toContain('idx_session_participants_last_seen');
    expect(indexes).toContain('idx_collaboration_sessions_updated_at');
    expect(await column(database, 'SELECT proname AS value FROM pg_proc')).toEqual(
      expect.arrayContaining(['cleanup_inactive_sessions', 'check_session_expiry', 'update_participant_last_seen']),
    );
  });
});
