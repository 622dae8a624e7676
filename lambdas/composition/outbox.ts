import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { dependencyTimeoutMillis } from '../../protocol/timings.ts';
import { ActivityOutbox } from '../activity/activity-outbox.ts';
import { environmentNames } from '../platform/environment.ts';
import { once, required } from '../platform/once.ts';

/** The acknowledged activities that wait for PostgreSQL. */
export const outbox = once(() => {
  const client = new DynamoDBClient({
    maxAttempts: 2,
    requestHandler: { requestTimeout: dependencyTimeoutMillis, throwOnRequestTimeout: true },
  });
  return new ActivityOutbox({ client, table: required(environmentNames.outboxTable) });
});
