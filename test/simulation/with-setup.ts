import { Redis } from 'ioredis';
import { testAddresses } from '../support/addresses.ts';
import { installVirtualTime } from './context.ts';
import { ScriptBook } from './script-book.ts';
import { makeSetup } from './setup.ts';
import type { SimulationSetup } from './world.ts';

/** Provides the shared parts of all scenarios for the tests of a file; call it where hooks are registered. */
export function withSetup(): () => SimulationSetup {
  let redis: Redis;
  let setup: SimulationSetup;
  beforeAll(async () => {
    redis = new Redis(testAddresses.redis, { enableAutoPipelining: true });
    installVirtualTime();
    setup = makeSetup(redis, new ScriptBook(redis));
  });
  afterAll(async () => {
    await redis.quit();
  });
  return () => setup;
}
