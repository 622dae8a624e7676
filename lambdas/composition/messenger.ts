import { ApiGatewayManagementApiClient } from '@aws-sdk/client-apigatewaymanagementapi';
import { dependencyTimeoutMillis } from '../../protocol/timings.ts';
import { Broadcaster } from '../delivery/broadcaster.ts';
import { ManagementGateway } from '../delivery/gateway.ts';
import { MeteredGateway } from '../delivery/metered-gateway.ts';
import { environmentNames } from '../platform/environment.ts';
import { metrics } from '../platform/metrics.ts';
import { once, required } from '../platform/once.ts';

const timeouts = {
  connectionTimeout: dependencyTimeoutMillis / 2,
  requestTimeout: dependencyTimeoutMillis,
  throwOnRequestTimeout: true,
};

/** Sends frames that concern a single connection, through the official client. The broadcaster retries, not the client. */
export const messenger = once(() => {
  const endpoint = required(environmentNames.managementEndpoint);
  const client = new ApiGatewayManagementApiClient({ endpoint, maxAttempts: 1, requestHandler: timeouts });
  return new Broadcaster(new MeteredGateway(new ManagementGateway(client), metrics));
});
