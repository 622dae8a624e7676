import { createClientIn } from '../../../client/client.ts';
import type { ClientOptions } from '../../../client/client-api.ts';
import type { Environment } from '../../../client/environment.ts';
import { readTimings } from '../../../protocol/timings.ts';
import type { Universe } from '../base-world.ts';
import { withUniverse } from '../with-universe.ts';
import type { ClientUniverse } from './client-world.ts';

/** Worlds with the real client use the default timings, because the client is made for them. */
export function asClientUniverse(universe: Universe): ClientUniverse {
  const createClient = (environment: Environment, options: ClientOptions) => createClientIn(environment, options);
  return { ...universe, timings: readTimings({}), name: `${universe.name}:client`, createClient };
}

/** Provides the shared parts of all scenarios for the tests of a file; call it where hooks are registered. */
export function withClientUniverse(): () => ClientUniverse {
  const universe = withUniverse();
  return () => asClientUniverse(universe());
}
