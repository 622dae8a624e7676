import { databaseConnection } from '../platform/database.ts';
import { log } from '../platform/log.ts';
import { migrate } from '../platform/migrations.ts';

/** Runs the migrations that the database does not have yet. The deployment calls it before the new functions get requests. */
export async function handler(): Promise<{ migrations: string[] }> {
  const migrations = await migrate(await databaseConnection());
  log.info('Database is up to date', { migrations });
  return { migrations };
}
