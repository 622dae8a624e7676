import { Cluster, Redis, type RedisOptions } from 'ioredis';
import { dependencyTimeoutMillis } from '../../protocol/timings.ts';
import { environmentNames } from './environment.ts';
import { log } from './log.ts';
import { once, required } from './once.ts';

/** A command fails rather than wait: an answer may be held up for a second in all (rule FA1). */
const options: RedisOptions = {
  commandTimeout: dependencyTimeoutMillis * 0.9,
  connectTimeout: dependencyTimeoutMillis * 0.9,
  maxRetriesPerRequest: 1,
  retryStrategy: (attempt) => Math.min(50 * 2 ** attempt, 1000),
};

/** The connection to Redis of this environment, a cluster's where the stack says so. */
export const redis = once((): Redis | Cluster => {
  const url = required(environmentNames.redisUrl);
  const client = process.env[environmentNames.redisCluster] === 'true' ? connectCluster(url) : new Redis(url, options);
  client.on('error', (error) => log.warn('Redis connection failed', error));
  return client;
});

function connectCluster(url: string): Cluster {
  const { hostname, port, protocol, username, password } = new URL(url);
  return new Cluster([{ host: hostname, port: Number(port || 6379) }], {
    // ElastiCache's certificate names the host, so addresses must not be resolved before TLS.
    dnsLookup: (address, callback) => callback(null, address),
    slotsRefreshTimeout: dependencyTimeoutMillis,
    redisOptions: {
      ...options,
      ...(protocol === 'rediss:' ? { tls: {} } : {}),
      ...(username ? { username } : {}),
      ...(password ? { password } : {}),
    },
  });
}
