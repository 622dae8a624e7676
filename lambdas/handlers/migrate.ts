import type { Context } from 'aws-lambda';
import { databaseConnection } from '../platform/database.ts';
import { log } from '../platform/log.ts';
import { withLogContext } from '../platform/log-context.ts';
import { migrate } from '../platform/migrations.ts';
import { admitService, serviceConnection } from '../platform/service-login.ts';

/**
 * Runs the migrations that the database does not have yet, as the owner of the tables, and lets the functions of the service log in. The
 * deployment calls it before the new functions get requests.
 */
export function handler(_: unknown, context?: Context): Promise<{ migrations: string[] }> {
  return withLogContext({ requestId: context?.awsRequestId }, async () => {
    const owner = await databaseConnection();
    const migrations = await migrate(owner);
    const service = await serviceConnection();
    if (service) await admitService(owner, service);
    log.info('Database is up to date', { migrations });
    return { migrations };
  });
}
