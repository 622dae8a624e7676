import { rmSync } from 'node:fs';
import type { Queryable } from '../../lambdas/platform/database.ts';
import { migrate } from '../../lambdas/platform/migrations.ts';
import { createEmptyDatabase, type TestDatabase } from '../support/database.ts';
import { type Catalog, contractions, readCatalog } from './contractions.ts';
import { hashOfMigration, released, releasedMigrations } from './released.ts';

let database: TestDatabase;
let before: Catalog;

beforeAll(async () => {
  database = await createEmptyDatabase();
  const directory = releasedMigrations();
  await migrate(database.url, directory);
  rmSync(directory, { recursive: true });
  before = await readCatalog(database.pool);
});
afterAll(() => database.drop());

test('a migration of the release before is not changed', () => {
  const now = Object.keys(released.migrations).map((file) => [file, hashOfMigration(file)]);
  expect(Object.fromEntries(now)).toEqual(released.migrations);
});

test('the migrations since the release before take nothing away that its code uses', async () => {
  const later = await createEmptyDatabase();
  try {
    await migrate(later.url, 'migrations');
    expect(contractions(before, await readCatalog(later.pool))).toEqual([]);
  } finally {
    await later.drop();
  }
});

test.each([
  ['ALTER TABLE activity_log DROP COLUMN details CASCADE', 'The column activity_log.details is gone.'],
  ['ALTER TABLE users RENAME COLUMN username TO name', 'The column users.username is gone.'],
  ['ALTER TABLE machines RENAME TO devices', /^The column machines\.\w+ is gone\.$/],
  ['DROP TABLE sweep_set_aside CASCADE', /^The column sweep_set_aside\.\w+ is gone\.$/],
  ['ALTER TABLE users ADD COLUMN age integer NOT NULL', 'The column users.age is required and has no default.'],
  [
    'ALTER TABLE activity_log ALTER COLUMN user_id SET NOT NULL',
    'The column activity_log.user_id has become required.',
  ],
  [
    'ALTER TABLE activity_log ALTER COLUMN user_agent TYPE varchar(10)',
    'The column activity_log.user_agent was text and is character varying(10).',
  ],
  ['DROP FUNCTION shorten_chain', /^The function shorten_chain\(.*\) is gone\.$/],
  ['REVOKE INSERT ON activity_log FROM rollcall_service', 'The service has lost the right activity_log INSERT.'],
  [
    'ALTER TABLE users ADD CONSTRAINT short CHECK (length(username) < 5)',
    'The constraint users short may refuse rows that old code writes.',
  ],
  [
    'CREATE UNIQUE INDEX one_name ON users (username)',
    'The constraint users one_name may refuse rows that old code writes.',
  ],
])('the rule "expand, then contract" refuses: %s', async (statement, problem) => {
  const client = await database.pool.connect();
  try {
    await client.query('BEGIN');
    await client.query(statement);
    const problems = contractions(before, await readCatalog(client as Queryable));
    const isNamed = (text: string) => (typeof problem === 'string' ? text === problem : problem.test(text));
    expect([problems, problems.some(isNamed)]).toEqual([problems, true]);
  } finally {
    await client.query('ROLLBACK');
    client.release();
  }
});

test.each([
  'CREATE TABLE devices (id uuid PRIMARY KEY, name text NOT NULL)',
  'ALTER TABLE users ADD COLUMN age integer',
  "ALTER TABLE users ADD COLUMN kind text NOT NULL DEFAULT 'person' CHECK (kind <> '')",
  'CREATE INDEX by_name ON users (username)',
])('the rule "expand, then contract" accepts: %s', async (statement) => {
  const client = await database.pool.connect();
  try {
    await client.query('BEGIN');
    await client.query(statement);
    expect(contractions(before, await readCatalog(client as Queryable))).toEqual([]);
  } finally {
    await client.query('ROLLBACK');
    client.release();
  }
});
