import { ApiGatewayManagementApiClient } from '@aws-sdk/client-apigatewaymanagementapi';
import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import type { ServerFrame } from '../../protocol/frames.ts';
import { dependencyTimeoutMillis } from '../../protocol/timings.ts';
import { Broadcaster } from '../delivery/broadcaster.ts';
import { ConnectionRegistry } from '../delivery/connection-registry.ts';
import { ManagementGateway } from '../delivery/gateway.ts';
import { environmentNames } from './environment.ts';
import { once, required } from './once.ts';

const timeouts = {
  connectionTimeout: dependencyTimeoutMillis / 2,
  requestTimeout: dependencyTimeoutMillis,
  throwOnRequestTimeout: true,
};

/** The connections and what they joined. */
export const registry = once(() => {
  const client = new DynamoDBClient({ maxAttempts: 2, requestHandler: timeouts });
  return new ConnectionRegistry(client, required(environmentNames.connectionsTable));
});

/** Posts to connections; retries are the broadcaster's decision, not the client's. */
export const gateway = once(() => {
  const client = new ApiGatewayManagementApiClient({
    endpoint: required(environmentNames.managementEndpoint),
    maxAttempts: 1,
    requestHandler: {
      ...timeouts,
      httpAgent: { maxSockets: 128, keepAlive: true },
      httpsAgent: { maxSockets: 128, keepAlive: true },
    },
  });
  return new ManagementGateway(client);
});

export const broadcaster = once(() => new Broadcaster(gateway()));

/** Sends one frame to the caller, for routes without a response of their own. */
export async function postToCaller(connectionId: string, frame: ServerFrame): Promise<void> {
  await broadcaster().broadcast([connectionId], frame, { kind: 'state' });
}
