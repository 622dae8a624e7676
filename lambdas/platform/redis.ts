import { Cluster, Redis, type RedisOptions } from 'ioredis';
import { dependencyTimeoutMillis } from '../../protocol/timings.ts';
import { environmentNames } from './environment.ts';
import { log } from './log.ts';
import { once, required } from './once.ts';
import { noteReturn, redisCallMillis } from './redis-failure.ts';

/** A command fails rather than wait: an answer may be held up for a second in all (rule FA1). */
const options: RedisOptions = {
  // Longer than the limit of a call, which knows whether an answer is only unread.
  commandTimeout: dependencyTimeoutMillis,
  connectTimeout: redisCallMillis,
  // A server that went without a word leaves a socket that TCP believes in for a quarter of an hour.
  socketTimeout: 2 * dependencyTimeoutMillis,
  maxRetriesPerRequest: 1,
  retryStrategy: retryAfter,
};

/** Soon enough to be back within a heartbeat; random, so that not every environment comes at one moment. */
function retryAfter(attempt: number): number {
  return Math.min(25 * 2 ** attempt, 250) * (0.75 + Math.random() / 2);
}

/** The connection to Redis of this environment, a cluster's where the stack says so. */
export const redis = once(() =>
  connectRedis(required(environmentNames.redisUrl), process.env[environmentNames.redisCluster] === 'true'),
);

/** Connects to a server, or through one node to a whole cluster; tries again for ever and never throws. */
export function connectRedis(url: string, isCluster: boolean): Redis | Cluster {
  const client = isCluster ? connectCluster(url) : new Redis(url, options);
  client.on('error', (error) => log.warn('Redis connection failed', error));
  client.on('ready', () => noteReturn(client));
  return client;
}

function connectCluster(url: string): Cluster {
  const { hostname, port, protocol, username, password } = new URL(url);
  return new Cluster([{ host: hostname, port: Number(port || 6379) }], {
    // ElastiCache's certificate names the host, so addresses must not be resolved before TLS.
    dnsLookup: (address, callback) => callback(null, address),
    slotsRefreshTimeout: dependencyTimeoutMillis,
    clusterRetryStrategy: retryAfter,
    redisOptions: {
      ...options,
      ...(protocol === 'rediss:' ? { tls: {} } : {}),
      ...(username ? { username } : {}),
      ...(password ? { password } : {}),
    },
  });
}
