import { dependencyTimeoutMillis } from '../../protocol/timings.ts';
import { Broadcaster } from '../delivery/broadcaster.ts';
import { MeteredGateway } from '../delivery/metered-gateway.ts';
import { SignedGateway } from '../delivery/signed-gateway.ts';
import { environmentNames } from '../platform/environment.ts';
import { metrics } from '../platform/metrics.ts';
import { once, required } from '../platform/once.ts';

/** Sends the frames of a session to its connections, with one small signed request for each. */
export const broadcaster = once(() => {
  const gateway = new SignedGateway({
    endpoint: required(environmentNames.managementEndpoint),
    region: required('AWS_REGION'),
    credentials: () => ({
      accessKeyId: required('AWS_ACCESS_KEY_ID'),
      secretAccessKey: required('AWS_SECRET_ACCESS_KEY'),
      sessionToken: process.env['AWS_SESSION_TOKEN'],
    }),
    timeoutMillis: dependencyTimeoutMillis,
  });
  return new Broadcaster(new MeteredGateway(gateway, metrics));
});
