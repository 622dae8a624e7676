import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { dependencyTimeoutMillis } from '../../protocol/timings.ts';
import { ConnectionRegistry } from '../connections/connection-registry.ts';
import { refuseWhileAway } from '../platform/dynamodb-failure.ts';
import { environmentNames } from '../platform/environment.ts';
import { once, required } from '../platform/once.ts';

/** Two attempts and the wait between them are shorter than the time limit of one dependency. */
const attemptMillis = dependencyTimeoutMillis * 0.4;

/** The open connections and their memberships. While DynamoDB is away, every method throws Unavailable. */
export const registry = once(() => {
  const client = new DynamoDBClient({
    maxAttempts: 2,
    requestHandler: { connectionTimeout: attemptMillis, requestTimeout: attemptMillis, throwOnRequestTimeout: true },
  });
  refuseWhileAway(client);
  return new ConnectionRegistry(client, required(environmentNames.connectionsTable));
});
