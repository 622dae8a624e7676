import { randomUUID } from 'node:crypto';
import { Client, type PoolConfig } from 'pg';
import { admitService } from '../../lambdas/platform/service-login.ts';
import { createDatabase, type TestDatabase } from '../support/database.ts';

let database: TestDatabase;
let owner: PoolConfig;
let service: PoolConfig;
const user = `test_functions_${randomUUID().slice(0, 8)}`;
const opened: Client[] = [];

beforeAll(async () => {
  database = await createDatabase();
  const { hostname, port, pathname, username, password } = new URL(database.url);
  const place = { host: hostname, port: Number(port), database: pathname.slice(1) };
  owner = { ...place, user: username, password };
  service = { ...place, user, password: "a ' password" };
  await admitService(owner, async () => service);
});

afterAll(async () => {
  await Promise.all(opened.map((client) => client.end()));
  await database.pool.query(`REVOKE rollcall_service FROM ${user}`);
  await database.drop();
});

async function asService(config = service): Promise<Client> {
  const client = new Client(config);
  opened.push(client);
  await client.connect();
  return client;
}

const sessionId = randomUUID();

async function addEntry(): Promise<string> {
  const { rows } = await database.pool.query<{ id: string }>(
    `INSERT INTO activity_log (session_id, activity_type, created_at) VALUES ($1, 'noted', '2020-01-01') RETURNING id`,
    [sessionId],
  );
  return rows[0]!.id;
}

test('the user of the functions may read and add entries of the audit trail', async () => {
  const client = await asService();
  await client.query(`INSERT INTO activity_log (session_id, activity_type) VALUES ($1, 'noted')`, [sessionId]);
  const { rowCount } = await client.query('SELECT FROM activity_log WHERE session_id = $1', [sessionId]);
  expect(rowCount).toBeGreaterThan(0);
});

test.each([
  "UPDATE activity_log SET details = '{}'",
  'DELETE FROM activity_log',
  'TRUNCATE activity_log',
  'UPDATE activity_seals SET hash = hash',
  'DELETE FROM activity_seals',
  'UPDATE activity_checkpoints SET signature = signature',
  'DELETE FROM activity_checkpoints',
  'DELETE FROM activity_chains',
  'DROP TABLE users',
  'ALTER TABLE users ADD COLUMN x text',
  'CREATE TABLE x (n int)',
  'DROP FUNCTION shorten_chain',
  'CREATE OR REPLACE FUNCTION role_rank(role text) RETURNS integer LANGUAGE sql AS $$ SELECT 1 $$',
  'DROP TRIGGER participant_1_place ON session_participants',
  'DELETE FROM users',
  'CREATE ROLE x',
  'SELECT * FROM migrations',
  'SET ROLE rollcall',
])('the user of the functions may not do: %s', async (statement) => {
  const id = await addEntry();
  const client = await asService();
  await expect(client.query(statement)).rejects.toMatchObject({ code: '42501' });
  const { rowCount } = await database.pool.query('SELECT FROM activity_log WHERE id = $1', [id]);
  expect(rowCount).toBe(1);
});

test('retention removes an old entry for the user of the functions, and no newer one', async () => {
  const id = await addEntry();
  const client = await asService();
  const remove = 'SELECT id FROM remove_unchained($1, $2, true) AS id';
  expect((await client.query(remove, ['2019-01-01', [id]])).rows).toEqual([]);
  expect((await client.query(remove, ['2021-01-01', [id]])).rows).toEqual([{ id }]);
});

const storedPassword = async () =>
  (await database.pool.query('SELECT rolpassword FROM pg_authid WHERE rolname = $1', [user])).rows[0].rolpassword;

test('another deployment changes nothing, and a password that was changed is set to that of the secret', async () => {
  const before = await storedPassword();
  expect(before).toMatch(/^SCRAM-SHA-256\$/);
  await admitService(owner, async () => service);
  expect(await storedPassword()).toEqual(before);
  const changed = { ...service, password: 'another' };
  await expect(asService(changed)).rejects.toMatchObject({ code: '28P01' });
  opened.pop();
  await admitService(owner, async () => changed);
  await asService(changed);
  await admitService(owner, async () => service);
});

test('a deployment during a rotation leaves the pending password', async () => {
  const before = await storedPassword();
  const old = { ...service, password: 'the one before' };
  await admitService(owner, async (refused) => (refused ? service : old));
  expect(await storedPassword()).toEqual(before);
});

test('stacks on one server that create the user at the same time all succeed', async () => {
  const shared = { ...service, user: `${user}_shared` };
  await Promise.all(Array.from({ length: 6 }, () => admitService(owner, async () => shared)));
  const client = await asService(shared);
  await client.query('SELECT FROM users');
  await client.end();
  opened.pop();
  await database.pool.query(`DROP ROLE ${shared.user}`);
});

test('a user without a secret of the service, and the owner as its user, change nothing', async () => {
  await admitService(owner, async () => undefined);
  await expect(admitService(owner, async () => ({ ...owner, password: 'wrong' }))).rejects.toThrow('a user of its own');
});

test('an owner who may not create users is told what to grant', async () => {
  const weak = { ...owner, user: `${user}_weak`, password: 'weak' };
  await database.pool.query(`CREATE ROLE ${weak.user} LOGIN PASSWORD 'weak'`);
  const read = async () => ({ ...service, user: `${user}_refused` });
  await expect(admitService(weak, read)).rejects.toThrow('give it CREATEROLE, and that role WITH ADMIN OPTION');
  await database.pool.query(`DROP ROLE ${weak.user}`);
});

test('each table says what the service may do with it, also one that a later migration creates', async () => {
  const { rows } = await database.pool.query<{ name: string }>(
    `SELECT relname AS name FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind = 'r'
       AND relname <> 'migrations' AND NOT has_table_privilege('rollcall_service', oid, 'SELECT')`,
  );
  expect(rows).toEqual([]);
});
