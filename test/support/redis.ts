import { Cluster, Redis } from 'ioredis';
import { testAddresses } from './addresses.ts';

/** Set if a suite runs against a cluster; the address of one of its nodes. */
const clusterVariable = 'TEST_REDIS_CLUSTER';

/**
 * Opens a connection to the Redis of the test run, or to the chosen cluster. Tests use their own sessions, so no test
 * deletes all keys.
 */
export function connectRedis(url = redisUrl()): Redis {
  if (!isOnCluster()) return new Redis(url);
  // Both connection types have the methods that the suites use.
  return new Cluster([url]) as unknown as Redis;
}

/**
 * The address of a separate database, for keys that belong to no session: the deadline index, its leases and the roster
 * of sweeps. A cluster has only one database, so it runs one suite at a time.
 */
export function redisUrl(database = 0): string {
  return isOnCluster() ? testAddresses.redis : `${testAddresses.redis.replace(/\/\d*$/, '')}/${database}`;
}

/** All later connections go to the cluster. */
export function useCluster(): void {
  process.env[clusterVariable] = 'true';
}

export function isOnCluster(): boolean {
  return process.env[clusterVariable] === 'true';
}

/** The keys that match a pattern, on all servers. */
export async function findKeys(redis: Redis | Cluster, pattern: string): Promise<string[]> {
  const servers = 'nodes' in redis ? redis.nodes('master') : [redis];
  return (await Promise.all(servers.map((server) => server.keys(pattern)))).flat();
}
