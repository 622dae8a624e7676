import { createHash } from 'node:crypto';
import type { Cluster, Redis } from 'ioredis';
import { answered } from '../platform/redis-failure.ts';
import { presenceKeys } from './keys.ts';
import { defineSweepScripts, runSweepScript } from './scripts/sweep/sweep-scripts.ts';

/**
 * The deadlines are spread over this many sorted sets, so that the nodes of a cluster, and several sweeps, share the work.
 */
export const deadlineShards = 8;
export const shardNumbers: readonly number[] = Array.from({ length: deadlineShards }, (_, shard) => shard);
const indexMillis = 24 * 60 * 60 * 1000;

/**
 * The score of a session that a sweep has claimed. It is later than every deadline, so a deadline that is scheduled during
 * the visit shows. The claim lasts as long as the sweep holds the shard.
 */
export const claimedScore = 8.64e15;

/**
 * Sessions by the time at which something becomes due in them. A frame never writes here: when the deadline of a live
 * session passes, the visit computes the next one. So an entry may be early but never late.
 *
 * Every method throws RollcallError UNAVAILABLE while Redis is away.
 */
export class Deadlines {
  readonly #redis: Redis | Cluster;

  constructor(redis: Redis | Cluster) {
    this.#redis = redis;
    defineSweepScripts(redis);
  }

  /**
   * Makes sure that a sweep visits the session by `deadline`, as soon as it holds the shard.
   *
   * @returns whether a sweep holds the shard now.
   */
  async schedule(sessionId: string, deadline: number): Promise<boolean> {
    const keys = keysOf(shardOf(sessionId));
    const values = { sessionId, deadline: Math.round(deadline), ttl: indexMillis };
    const swept = await answered(this.#redis, () => runSweepScript(this.#redis, 'scheduleDue', keys, values));
    return swept === 1;
  }

  /**
   * Claims up to `limit` due sessions of a shard, the oldest deadline first; none if the sweep does not hold the shard.
   *
   * @param late is told by how many milliseconds the first one is late, if there is one.
   */
  async claim(
    shard: number,
    holder: string,
    now: number,
    limit: number,
    late: (millis: number) => void = () => {},
  ): Promise<string[]> {
    const values = { holder, now: Math.round(now), limit, claimedScore };
    const [deadline, ...claimed] = await answered(this.#redis, () =>
      runSweepScript(this.#redis, 'claimDue', keysOf(shard), values),
    );
    if (deadline !== undefined) late(now - Number(deadline));
    return claimed;
  }

  /** Ends a claim. `next` is the next deadline of the session, undefined if nobody is present. */
  async release(sessionId: string, holder: string, next: number | undefined): Promise<void> {
    const keys = keysOf(shardOf(sessionId));
    const nextDeadline = next === undefined ? '' : Math.round(next);
    const values = { holder, sessionId, nextDeadline, ttl: indexMillis, claimedScore };
    await answered(this.#redis, () => runSweepScript(this.#redis, 'releaseDue', keys, values));
  }

  /** The number of sessions in which somebody is present. */
  async size(): Promise<number> {
    const sizes = await this.#onEveryShard((shard) => this.#redis.zcard(presenceKeys.due(shard)));
    return sizes.reduce((sum, size) => sum + size, 0);
  }

  /** Every session that is in the index. */
  async all(): Promise<string[]> {
    return (await this.#onEveryShard((shard) => this.#redis.zrange(presenceKeys.due(shard), '0', '-1'))).flat();
  }

  /** Whether the index is complete. False if Redis, or a node of its cluster, lost its data. */
  async isComplete(): Promise<boolean> {
    const marks = await this.#onEveryShard((shard) => this.#redis.exists(presenceKeys.dueMark(shard)));
    return marks.every((mark) => mark === 1);
  }

  /** Marks the index as complete. The mark expires after a day. */
  async markComplete(): Promise<void> {
    await this.#onEveryShard((shard) => {
      // It has the hash tag of the shard, so it is lost together with it.
      const mark = presenceKeys.dueMark(shard);
      return Promise.all([this.#redis.zadd(mark, 0, 'whole'), this.#redis.pexpire(mark, indexMillis)]);
    });
  }

  /** When a sweep last finished a round, Unix milliseconds; undefined if none did within a day. */
  async lastRound(): Promise<number | undefined> {
    const pulse = await answered(this.#redis, () =>
      this.#redis.zrange(presenceKeys.sweepPulse, '0', '0', 'WITHSCORES'),
    );
    return pulse[1] === undefined ? undefined : Number(pulse[1]);
  }

  /** Stores that a sweep has finished a round. */
  async noteRound(now: number): Promise<void> {
    const key = presenceKeys.sweepPulse;
    await answered(this.#redis, () =>
      Promise.all([this.#redis.zadd(key, Math.round(now), 'round'), this.#redis.pexpire(key, indexMillis)]),
    );
  }

  #onEveryShard<T>(run: (shard: number) => Promise<T>): Promise<T[]> {
    return answered(this.#redis, () => Promise.all(shardNumbers.map(run)));
  }
}

/** The shard of the index that a session belongs to. */
export function shardOf(sessionId: string): number {
  return createHash('sha1').update(sessionId).digest().readUInt32BE(0) % deadlineShards;
}

function keysOf(shard: number): { due: string; lease: string } {
  return { due: presenceKeys.due(shard), lease: presenceKeys.dueLease(shard) };
}
