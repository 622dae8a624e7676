import type { Context } from 'aws-lambda';
import { log } from '../platform/log.ts';
import { withLogContext } from '../platform/log-context.ts';
import { migrate } from '../platform/migrations.ts';
import { admitService, asOwner, serviceConnection } from '../platform/service-login.ts';

/**
 * Runs the migrations that the database does not have yet, as the owner of the tables, and lets the functions of the service log in. The
 * deployment calls it before the new functions get requests.
 */
export function handler(_: unknown, context?: Context): Promise<{ migrations: string[] }> {
  return withLogContext({ requestId: context?.awsRequestId }, async () => {
    const migrations = await asOwner(async (owner) => {
      const ran = await migrate(owner);
      await admitService(owner, serviceConnection);
      return ran;
    });
    log.info('Database is up to date', { migrations });
    return { migrations };
  });
}
