import type { Cluster, Redis } from 'ioredis';
import { answered } from '../platform/redis-failure.ts';
import { claimedScore } from './deadlines.ts';
import { presenceKeys } from './keys.ts';
import { defineSweepScripts, runSweepScript } from './scripts/sweep/sweep-scripts.ts';

/**
 * A sweep that dies loses its shards after this time in milliseconds. With a tick of one second before and after it, the
 * next sweep announces everything that was due within the five seconds of rule PR12.
 */
export const leaseMillis = 2500;
/** A sweep that dies leaves the roster a little earlier, so that the others know whose shards are free. */
const rosterMillis = 2400;
/** All sweeps together start at most one other sweep in this time, because it has to start and take its share first. */
const callMillis = 3000;
/** What all sweeps together metered, and the restraint that follows from it. */
export interface ServiceRate {
  restraint: number;
  /** What the service spends in an hour at the rate of the last half minute. */
  dollarsPerHour: number;
}

/** What a sweep tells the others when it joins. */
export interface Report {
  /** What it metered since its last report, in millionths of a dollar. */
  spent: number;
  /** What the service may spend in an hour, in dollars; undefined without a bound. */
  maxDollarsPerHour?: number | undefined;
}

const keptMillis = 24 * 60 * 60 * 1000;

/**
 * Which sweeps run, and which of them visits which shard of the index. A shard has one sweep at a time. Each method throws
 * RollcallError UNAVAILABLE while Redis is away.
 */
export class ShardLeases {
  readonly #redis: Redis | Cluster;

  constructor(redis: Redis | Cluster) {
    this.#redis = redis;
    defineSweepScripts(redis);
  }

  /**
   * Adds a sweep to the roster or renews its entry, which expires after two seconds.
   *
   * @param most the roster takes no more sweeps than this. A sweep that is on it already stays.
   * @returns all sweeps on the roster, in the same order for every sweep, or undefined if there is no room; and what all of them
   *   metered.
   */
  async join(
    holder: string,
    now: number,
    most: number,
    { spent, maxDollarsPerHour = 0 }: Report = { spent: 0 },
  ): Promise<{ sweeps: string[] | undefined; rate: ServiceRate }> {
    const keys = { sweeps: presenceKeys.sweeps, spend: presenceKeys.spend };
    const values = {
      ...{ holder, now: Math.round(now), millis: rosterMillis, mostSweeps: most, ttl: keptMillis },
      ...{ spent, bound: Math.round(maxDollarsPerHour * 1e6) },
    };
    const reply = await answered(this.#redis, () => runSweepScript(this.#redis, 'joinSweeps', keys, values));
    const [restraint = '1', perHour = '0', ...sweeps] = reply;
    return {
      sweeps: sweeps.length > 0 ? sweeps.sort() : undefined,
      rate: { restraint: Number(restraint), dollarsPerHour: Number(perHour) / 1e6 },
    };
  }

  /** Takes a sweep off the roster. */
  async leave(holder: string): Promise<void> {
    await answered(this.#redis, () => this.#redis.zrem(presenceKeys.sweeps, holder));
  }

  /** Takes or renews the lease of a shard; false while another sweep holds it. */
  async hold(shard: number, holder: string, now: number): Promise<boolean> {
    const keys = { due: presenceKeys.due(shard), lease: presenceKeys.dueLease(shard) };
    const values = { holder, millis: leaseMillis, now: Math.round(now), claimedScore };
    const held = await answered(this.#redis, () => runSweepScript(this.#redis, 'holdShard', keys, values));
    return held === 1;
  }

  /** Gives a shard back, so that another sweep can take it at once. */
  async giveBack(shard: number, holder: string): Promise<void> {
    const keys = { lease: presenceKeys.dueLease(shard) };
    await answered(this.#redis, () => runSweepScript(this.#redis, 'releaseShard', keys, { holder }));
  }

  /** Whether this sweep may start another one now. False if one was started a moment ago. */
  async mayCall(): Promise<boolean> {
    const called = await answered(this.#redis, () =>
      this.#redis.set(presenceKeys.sweepCall, '1', 'PX', callMillis, 'NX'),
    );
    return called === 'OK';
  }
}
