import type { Context } from 'aws-lambda';
import { databaseConnection } from '../platform/database.ts';
import { log } from '../platform/log.ts';
import { withLogContext } from '../platform/log-context.ts';
import { migrate } from '../platform/migrations.ts';

/** Runs the migrations that the database does not have yet. The deployment calls it before the new functions get requests. */
export function handler(_: unknown, context?: Context): Promise<{ migrations: string[] }> {
  return withLogContext({ requestId: context?.awsRequestId }, async () => {
    const migrations = await migrate(await databaseConnection());
    log.info('Database is up to date', { migrations });
    return { migrations };
  });
}
