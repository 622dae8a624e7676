import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { dependencyTimeoutMillis } from '../../protocol/timings.ts';
import { ActivityLogger } from '../activity/activity-logger.ts';
import { ActivityOutbox } from '../activity/activity-outbox.ts';
import { database, sweepDatabase } from './database.ts';
import { environmentNames } from './environment.ts';
import { once, required } from './once.ts';
import { timings } from './timings.ts';

const outbox = once(() => {
  const client = new DynamoDBClient({
    maxAttempts: 2,
    requestHandler: { requestTimeout: dependencyTimeoutMillis, throwOnRequestTimeout: true },
  });
  return new ActivityOutbox({ client, table: required(environmentNames.outboxTable) });
});

const retentionMillis = timings.activityRetentionMillis;

/** The audit trail, for functions that answer somebody. */
export const activity = once(() => new ActivityLogger({ pool: database(), outbox: outbox(), retentionMillis }));

/** The same for scheduled work, whose statements may take longer. */
export const sweepActivity = once(
  () => new ActivityLogger({ pool: sweepDatabase(), outbox: outbox(), retentionMillis }),
);

/** The audit trail for those who only read it: they are granted no outbox. */
export const activityReader = once(() => new ActivityLogger({ pool: database(), retentionMillis }));

/** The same for questions about all entries of a session: of millions of them an answer may take seconds. */
export const activityReports = once(() => new ActivityLogger({ pool: sweepDatabase(), retentionMillis }));
