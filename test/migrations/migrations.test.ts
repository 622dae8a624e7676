import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { log } from '../../lambdas/platform/log.ts';
import { migrate, migrationsDirectory } from '../../lambdas/platform/migrations.ts';
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

describe('migrationsDirectory', () => {
  test('is at the top of the project in the sources, and next to the bundle on AWS', async () => {
    expect(migrationsDirectory()).toBe(join(__dirname, '..', '..', 'migrations'));
    const deployed = await mkdtemp(join(tmpdir(), 'deployed-'));
    try {
      expect(() => migrationsDirectory(deployed)).toThrow('There are no migrations in');
      await mkdir(join(deployed, 'migrations'));
      expect(migrationsDirectory(deployed)).toBe(join(deployed, 'migrations'));
    } finally {
      await rm(deployed, { recursive: true });
    }
  });
});

describe('migrate', () => {
  test('stops at a migration that fails, keeps those before it, and continues once it is repaired', async () => {
    const database = await emptyDatabase();
    const directory = await mkdtemp(join(tmpdir(), 'migrations-'));
    const logged = [jest.spyOn(log, 'error'), jest.spyOn(log, 'warn')].map((spy) => spy.mockImplementation(() => {}));
    try {
      await writeFile(join(directory, '0001-first.sql'), 'CREATE TABLE first (n int);');
      await writeFile(join(directory, '0002-second.sql'), 'CREATE TABLE second (n int); SELECT nonsense;');
      await writeFile(join(directory, '0002-second.sql.orig'), 'not a migration');
      await expect(migrate(database.url, directory)).rejects.toThrow('nonsense');
      expect(logged[0]).toHaveBeenCalled();
      const tables = await column(database, `SELECT tablename AS value FROM pg_tables WHERE schemaname = 'public'`);
      expect(tables.sort()).toEqual(['first', 'migrations']);
      await writeFile(join(directory, '0002-second.sql'), 'CREATE TABLE second (n int);');
      expect(await migrate(database.url, directory)).toEqual(['0002-second']);
    } finally {
      jest.restoreAllMocks();
      await rm(directory, { recursive: true });
    }
  });

  test('runs a migration whose number is below that of one that ran', async () => {
    const database = await emptyDatabase();
    const directory = await mkdtemp(join(tmpdir(), 'migrations-'));
    try {
      await writeFile(join(directory, '0002-second.sql'), 'CREATE TABLE second (n int);');
      expect(await migrate(database.url, directory)).toEqual(['0002-second']);
      await writeFile(join(directory, '0001-first.sql'), 'CREATE TABLE first (n int);');
      expect(await migrate(database.url, directory)).toEqual(['0001-first']);
    } finally {
      await rm(directory, { recursive: true });
    }
  });

  test('migrates an empty database to the newest schema, and has nothing to do the second time', async () => {
    const database = await emptyDatabase();
    const ran = await migrate(database.url, 'migrations');
    expect(ran).toEqual(expect.arrayContaining(['0001-tables', '0005-join-session']));
    expect(ran).toEqual([...ran].sort());
    expect(await migrate(database.url, 'migrations')).toEqual([]);
  });

  test('if two run at once, one waits and then has nothing to do', async () => {
    const database = await emptyDatabase();
    const [first, second] = await Promise.all([
      migrate(database.url, 'migrations'),
      migrate(database.url, 'migrations'),
    ]);
    expect(Math.min(first.length, second.length)).toBe(0);
    expect(Math.max(first.length, second.length)).toBeGreaterThanOrEqual(5);
  });

  test('creates the tables, indexes, functions and triggers of the contract', async () => {
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
