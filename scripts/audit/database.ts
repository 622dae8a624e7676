import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Pool, type PoolConfig } from 'pg';

/** Runs the work with the database of `DATABASE_URL`, or of the stack that runs on this machine. */
export async function withDatabase<T>(work: (pool: Pool) => Promise<T>): Promise<T> {
  const pool = new Pool({ ...(await database()), max: 2, connectionTimeoutMillis: 5000 });
  try {
    return await work(pool);
  } finally {
    await pool.end();
  }
}

/**
 * Connection settings from `DATABASE_URL`, or of the local stack. The local PostgreSQL has no TLS, so `ssl: false`
 * overrides a `PGSSLMODE` of the shell, which is meant for other servers.
 */
async function database(): Promise<Pick<PoolConfig, 'connectionString' | 'ssl'>> {
  const given = process.env['DATABASE_URL'];
  if (given) return { connectionString: given };
  const file = join(process.env['ROLLCALL_DATA_DIR'] || '.rollcall', 'endpoints.json');
  const text = await readFile(file, 'utf8').catch(() => undefined);
  if (text === undefined) {
    throw new Error(
      `The file ${file} does not exist; start Rollcall with "npm start", or set DATABASE_URL to its database.`,
    );
  }
  return { connectionString: (JSON.parse(text) as { postgres: string }).postgres, ssl: false };
}
