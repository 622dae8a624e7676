import { Cluster, Redis, type RedisOptions } from 'ioredis';
import { dependencyTimeoutMillis } from '../../protocol/timings.ts';
import { environmentNames } from './environment.ts';
import { log } from './log.ts';
import { withoutLogContext } from './log-context.ts';
import { once, required } from './once.ts';
import { noteReturn, redisCallMillis } from './redis-failure.ts';

/** A command fails instead of waiting, because an answer may be delayed by at most a second in all (rule FA1). */
const options: RedisOptions = {
  // Longer than the time limit of a call, because that limit counts an answer that has arrived but is not read yet.
  commandTimeout: dependencyTimeoutMillis,
  connectTimeout: redisCallMillis,
  // If a server disappears without closing the connection, TCP would keep the socket open for a quarter of an hour.
  socketTimeout: 2 * dependencyTimeoutMillis,
  maxRetriesPerRequest: 1,
  retryStrategy: retryAfter,
};

/** Short enough to reconnect within a heartbeat, and random, so that the environments do not all reconnect at the same time. */
function retryAfter(attempt: number): number {
  return Math.min(25 * 2 ** attempt, 250) * (0.75 + Math.random() / 2);
}

/** The connection of this environment to Redis, or to a cluster if the stack says so. */
export const redis = once(() =>
  connectRedis(required(environmentNames.redisUrl), process.env[environmentNames.redisCluster] === 'true'),
);

/** Connects to a server, or through one node to a whole cluster. It reconnects without end and never throws. */
export function connectRedis(url: string, isCluster: boolean): Redis | Cluster {
  const client = isCluster ? connectCluster(url) : new Redis(url, options);
  client.on('error', (error) => withoutLogContext(() => log.warn('Redis connection failed', error)));
  client.on('ready', () => noteReturn(client));
  return client;
}

function connectCluster(url: string): Cluster {
  const { hostname, port, protocol, username, password } = new URL(url);
  return new Cluster([{ host: hostname, port: Number(port || 6379) }], {
    // The certificate of ElastiCache contains the host name, so addresses must not be resolved before TLS.
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
