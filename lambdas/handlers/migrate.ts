import { databaseConnection } from '../platform/database.ts';
import { log } from '../platform/log.ts';
import { migrate } from '../platform/migrations.ts';

/** Brings the database up to date; the deployment calls it before the new functions take traffic. */
export async function handler(): Promise<{ migrations: string[] }> {
  const migrations = await migrate(await databaseConnection());
  log.info('Database is up to date', { migrations });
  return { migrations };
}
