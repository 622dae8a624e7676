import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Pool } from 'pg';
import { migrate } from '../lambdas/platform/migrations.ts';
import { startBackingServices } from '../local/backing/services.ts';

/**
 * Runs the work on a new PostgreSQL with the product's tables and removes it afterwards. Writes are synchronized to the
 * disk, as in production.
 */
export async function withDatabase<T>(work: (pool: Pool) => Promise<T>): Promise<T> {
  const directory = await mkdtemp(join(tmpdir(), 'rollcall-bench-'));
  const services = await startBackingServices({ directory, durable: true });
  try {
    await migrate(services.databaseUrl, join(import.meta.dirname, '..', 'migrations'));
    const pool = new Pool({ connectionString: services.databaseUrl, max: 2 });
    try {
      return await work(pool);
    } finally {
      await pool.end();
    }
  } finally {
    await services.stop();
    await rm(directory, { recursive: true, force: true });
  }
}
