import { ApiGatewayManagementApiClient } from '@aws-sdk/client-apigatewaymanagementapi';
import { dependencyTimeoutMillis } from '../../protocol/timings.ts';
import { Broadcaster } from '../delivery/broadcaster.ts';
import { ManagementGateway } from '../delivery/gateway.ts';
import { SignedGateway } from '../delivery/signed-gateway.ts';
import { environmentNames } from '../platform/environment.ts';
import { once, required } from '../platform/once.ts';

const timeouts = {
  connectionTimeout: dependencyTimeoutMillis / 2,
  requestTimeout: dependencyTimeoutMillis,
  throwOnRequestTimeout: true,
};

/** Posts the frames of sessions, with one small signed request for each. */
const gateway = once(
  () =>
    new SignedGateway({
      endpoint: required(environmentNames.managementEndpoint),
      region: required('AWS_REGION'),
      credentials: () => ({
        accessKeyId: required('AWS_ACCESS_KEY_ID'),
        secretAccessKey: required('AWS_SECRET_ACCESS_KEY'),
        sessionToken: process.env['AWS_SESSION_TOKEN'],
      }),
      timeoutMillis: dependencyTimeoutMillis,
    }),
);

/** Posts rare frames through the official client. The client does not retry, because the broadcaster does. */
const officialGateway = once(() => {
  const endpoint = required(environmentNames.managementEndpoint);
  return new ManagementGateway(
    new ApiGatewayManagementApiClient({ endpoint, maxAttempts: 1, requestHandler: timeouts }),
  );
});

/** Sends the frames of a session to its connections. */
export const broadcaster = once(() => new Broadcaster(gateway()));

/** Sends frames that concern a single connection. */
export const messenger = once(() => new Broadcaster(officialGateway()));
