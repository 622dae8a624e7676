import { Redis } from 'ioredis';
import { testAddresses } from './addresses.ts';

/** A connection to the Redis of the test run. Tests use sessions of their own, so nobody empties anything. */
export function connectRedis(url = testAddresses.redis): Redis {
  return new Redis(url);
}
