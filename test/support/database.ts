import { createHash, randomUUID } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Client, Pool } from 'pg';
import { migrate } from '../../lambdas/platform/migrations.ts';
import { testAddresses } from './addresses.ts';

const migrations = join(__dirname, '..', '..', 'migrations');

export interface TestDatabase {
  url: string;
  pool: Pool;
  drop(): Promise<void>;
}

/** Creates a new database with all migrations, for one test file. The test calls `drop` at the end. */
export async function createDatabase(): Promise<TestDatabase> {
  const template = await migratedTemplate();
  return createFrom(template);
}

/** Creates a new empty database, for tests of the migrations. */
export async function createEmptyDatabase(): Promise<TestDatabase> {
  return createFrom('template1');
}

async function createFrom(template: string): Promise<TestDatabase> {
  const name = `test_${randomUUID().replaceAll('-', '')}`;
  await onServer((client) => client.query(`CREATE DATABASE ${name} TEMPLATE ${template}`));
  const url = urlOf(name);
  const pool = new Pool({ connectionString: url, max: 10 });
  // Dropping the database closes the connections that are still open.
  pool.on('error', () => {});
  return {
    url,
    pool,
    async drop() {
      await pool.end();
      await onServer((client) => client.query(`DROP DATABASE IF EXISTS ${name} WITH (FORCE)`));
    },
  };
}

/** The template database of the others; created once for each server and set of migrations. */
async function migratedTemplate(): Promise<string> {
  const name = `template_${hashOfMigrations()}`;
  await onServer(async (client) => {
    await client.query('SELECT pg_advisory_lock(7310)');
    const { rowCount } = await client.query('SELECT FROM pg_database WHERE datname = $1 AND datistemplate', [name]);
    if (rowCount) return;
    await client.query(`DROP DATABASE IF EXISTS ${name} WITH (FORCE)`);
    await client.query(`CREATE DATABASE ${name}`);
    await migrate(urlOf(name), migrations);
    await client.query(`ALTER DATABASE ${name} IS_TEMPLATE true`);
  });
  return name;
}

function hashOfMigrations(): string {
  const hash = createHash('sha256');
  for (const file of readdirSync(migrations).sort()) hash.update(file).update(readFileSync(join(migrations, file)));
  return hash.digest('hex').slice(0, 16);
}

function urlOf(database: string): string {
  const url = new URL(testAddresses.database);
  url.pathname = `/${database}`;
  return url.href;
}

async function onServer<T>(work: (client: Client) => Promise<T>): Promise<T> {
  const client = new Client({ connectionString: testAddresses.database });
  await client.connect();
  try {
    return await work(client);
  } finally {
    await client.end();
  }
}
