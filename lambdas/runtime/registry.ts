import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { dependencyTimeoutMillis } from '../../protocol/timings.ts';
import { ConnectionRegistry } from '../delivery/connection-registry.ts';
import { environmentNames } from './environment.ts';
import { once, required } from './once.ts';

/** The connections and what they joined. */
export const registry = once(() => {
  const client = new DynamoDBClient({
    maxAttempts: 2,
    requestHandler: {
      connectionTimeout: dependencyTimeoutMillis / 2,
      requestTimeout: dependencyTimeoutMillis,
      throwOnRequestTimeout: true,
    },
  });
  return new ConnectionRegistry(client, required(environmentNames.connectionsTable));
});
