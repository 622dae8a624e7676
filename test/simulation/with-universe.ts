import { Redis } from 'ioredis';
import { testAddresses } from '../support/addresses.ts';
import { installVirtualTime } from './context.ts';
import { ScriptBook } from './script-book.ts';
import { makeUniverse } from './universe.ts';
import type { Universe } from './world.ts';

/** Provides the shared parts of all scenarios for the tests of a file; call it where hooks are registered. */
export function withUniverse(): () => Universe {
  let redis: Redis;
  let universe: Universe;
  beforeAll(async () => {
    redis = new Redis(testAddresses.redis, { enableAutoPipelining: true });
    installVirtualTime();
    universe = makeUniverse(redis, new ScriptBook(redis));
  });
  afterAll(async () => {
    await redis.quit();
  });
  return () => universe;
}
