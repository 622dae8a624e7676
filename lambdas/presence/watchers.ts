import type { Cluster, Redis } from 'ioredis';
import { watchSeconds } from '../../protocol/figures.ts';
import { answered } from '../platform/redis-failure.ts';
import { presenceKeys } from './keys.ts';

const watchMillis = watchSeconds * 1000;

/**
 * The connections that receive the figures of the dashboard. An entry expires unless the connection asks again, so a connection that
 * ends needs no other clean-up. Each method throws RollcallError UNAVAILABLE while Redis is away.
 */
export class Watchers {
  readonly #redis: Redis | Cluster;

  constructor(redis: Redis | Cluster) {
    this.#redis = redis;
  }

  /** Adds a connection, or keeps it for another minute. */
  async add(connectionId: string, now: number): Promise<void> {
    const key = presenceKeys.watchers;
    await answered(this.#redis, () =>
      Promise.all([
        this.#redis.zadd(key, Math.round(now) + watchMillis, connectionId),
        this.#redis.zremrangebyscore(key, '-inf', Math.round(now)),
        this.#redis.pexpire(key, 2 * watchMillis),
      ]),
    );
  }

  /** The connections that watch at this time. */
  now(now: number): Promise<string[]> {
    return answered(this.#redis, () => this.#redis.zrangebyscore(presenceKeys.watchers, Math.round(now), '+inf'));
  }

  async remove(connectionIds: readonly string[]): Promise<void> {
    if (connectionIds.length === 0) return;
    await answered(this.#redis, () => this.#redis.zrem(presenceKeys.watchers, ...connectionIds));
  }
}
