import type { Cluster, Redis } from 'ioredis';
import { answered } from '../platform/redis-failure.ts';
import { claimedScore } from './deadlines.ts';
import { presenceKeys } from './keys.ts';

/**
 * A sweep that dies loses its shards after this long, milliseconds. With a tick of one second before it and one after it
 * the next sweep announces what was due within the five seconds of rule PR12.
 */
export const leaseMillis = 2500;
/** A sweep that dies leaves the roster a little sooner, so that the others know whose shards are free. */
const rosterMillis = 2400;
/** Sweeps that are behind call no more than one other in this time: it has to start, and to take its share. */
const callMillis = 3000;
const keptMillis = 24 * 60 * 60 * 1000;

/** A sweep that takes a free shard makes due what its dead holder had claimed. */
const holdShard = `
local current = redis.call('GET', KEYS[2])
if current and current ~= ARGV[1] then return 0 end
redis.call('SET', KEYS[2], ARGV[1], 'PX', ARGV[2])
if not current then
  for _, sessionId in ipairs(redis.call('ZRANGEBYSCORE', KEYS[1], ARGV[4], '+inf')) do
    redis.call('ZADD', KEYS[1], ARGV[3], sessionId)
  end
end
return 1
`;
const giveBackShard = `
if redis.call('GET', KEYS[1]) == ARGV[1] then redis.call('DEL', KEYS[1]) end
return 1
`;
const joinSweeps = `
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', ARGV[2] - ARGV[3])
if not redis.call('ZSCORE', KEYS[1], ARGV[1]) and redis.call('ZCARD', KEYS[1]) >= tonumber(ARGV[4]) then return {} end
redis.call('ZADD', KEYS[1], ARGV[2], ARGV[1])
redis.call('PEXPIRE', KEYS[1], ARGV[5])
return redis.call('ZRANGE', KEYS[1], 0, -1)
`;

interface LeaseCommands {
  holdShard(due: string, lease: string, holder: string, millis: number, now: number, claimed: number): Promise<number>;
  giveBackShard(lease: string, holder: string): Promise<number>;
  joinSweeps(key: string, holder: string, now: number, millis: number, most: number, ttl: number): Promise<string[]>;
}

/**
 * Which sweeps run, and which of them visits which shard of the index. A shard has one sweep at a time. Each method throws
 * RollcallError UNAVAILABLE while Redis is away.
 */
export class ShardLeases {
  readonly #redis: Redis | Cluster;

  constructor(redis: Redis | Cluster) {
    this.#redis = redis;
    if ('holdShard' in redis) return;
    redis.defineCommand('holdShard', { numberOfKeys: 2, lua: holdShard });
    redis.defineCommand('giveBackShard', { numberOfKeys: 1, lua: giveBackShard });
    redis.defineCommand('joinSweeps', { numberOfKeys: 1, lua: joinSweeps });
  }

  /**
   * Puts a sweep on the roster, or keeps it there; to be said again within two seconds.
   *
   * @param most the roster takes no more sweeps than this; one that stands on it stays.
   * @returns all sweeps on the roster in one order for everybody; undefined where there is no room.
   */
  async join(holder: string, now: number, most: number): Promise<string[] | undefined> {
    const sweeps = await answered(this.#redis, () =>
      this.#commands.joinSweeps(presenceKeys.sweeps, holder, Math.round(now), rosterMillis, most, keptMillis),
    );
    return sweeps.length > 0 ? sweeps.sort() : undefined;
  }

  /** Takes a sweep off the roster. */
  async leave(holder: string): Promise<void> {
    await answered(this.#redis, () => this.#redis.zrem(presenceKeys.sweeps, holder));
  }

  /** Takes or renews the lease of a shard; false while another sweep holds it. */
  async hold(shard: number, holder: string, now: number): Promise<boolean> {
    const [due, lease] = [presenceKeys.due(shard), presenceKeys.dueLease(shard)];
    const held = await answered(this.#redis, () =>
      this.#commands.holdShard(due, lease, holder, leaseMillis, Math.round(now), claimedScore),
    );
    return held === 1;
  }

  /** Lets the next sweep have a shard at once. */
  async giveBack(shard: number, holder: string): Promise<void> {
    await answered(this.#redis, () => this.#commands.giveBackShard(presenceKeys.dueLease(shard), holder));
  }

  /** Whether this sweep may call another one now: false where one was called a moment ago. */
  async mayCall(): Promise<boolean> {
    const called = await answered(this.#redis, () =>
      this.#redis.set(presenceKeys.sweepCall, '1', 'PX', callMillis, 'NX'),
    );
    return called === 'OK';
  }

  get #commands(): LeaseCommands {
    return this.#redis as unknown as LeaseCommands;
  }
}
