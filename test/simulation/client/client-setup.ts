import { createClientIn } from '../../../client/client.ts';
import type { ClientOptions } from '../../../client/client-api.ts';
import type { Environment } from '../../../client/environment.ts';
import { readTimings } from '../../../protocol/timings.ts';
import type { SimulationSetup } from '../base-world.ts';
import { withSetup } from '../with-setup.ts';
import type { ClientSetup } from './client-world.ts';

/** Worlds with the real client use the default timings, because the client is made for them. */
export function asClientSetup(setup: SimulationSetup): ClientSetup {
  const createClient = (environment: Environment, options: ClientOptions) => createClientIn(environment, options);
  return { ...setup, timings: readTimings({}), name: `${setup.name}:client`, createClient };
}

/** Provides the shared parts of all scenarios for the tests of a file; call it where hooks are registered. */
export function withClientSetup(): () => ClientSetup {
  const setup = withSetup();
  return () => asClientSetup(setup());
}
