import { Cluster, Redis } from 'ioredis';
import { testAddresses } from './addresses.ts';

/** Set where a suite runs against the cluster that this address is a node of. */
const clusterVariable = 'TEST_REDIS_CLUSTER';

/**
 * A connection to the Redis of the test run, or to the cluster that was named instead. Tests use sessions of their own,
 * so nobody empties anything.
 */
export function connectRedis(url = redisUrl()): Redis {
  if (!isOnCluster()) return new Redis(url);
  // What the suites use of a connection is the same for both.
  return new Cluster([url]) as unknown as Redis;
}

/**
 * The address of a database of its own, for what is not a session's but the server's: the index of deadlines, its leases
 * and the roster of sweeps. A cluster has one database only, and one suite at a time.
 */
export function redisUrl(database = 0): string {
  return isOnCluster() ? testAddresses.redis : `${testAddresses.redis.replace(/\/\d*$/, '')}/${database}`;
}

/** Lets everything that connects from now on connect to a cluster. */
export function useCluster(): void {
  process.env[clusterVariable] = 'true';
}

export function isOnCluster(): boolean {
  return process.env[clusterVariable] === 'true';
}

/** The keys that match a pattern, on whichever server they are. */
export async function findKeys(redis: Redis | Cluster, pattern: string): Promise<string[]> {
  const servers = 'nodes' in redis ? redis.nodes('master') : [redis];
  return (await Promise.all(servers.map((server) => server.keys(pattern)))).flat();
}
