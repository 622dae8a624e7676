import { isAway } from '../../platform/unavailable.ts';
import { shardNumbers } from '../../presence/deadlines.ts';
import type { Report, ServiceRate, ShardLeases } from '../../presence/shard-leases.ts';

/** What a sweep metered, and what it learns of the others. */
interface Meter {
  report: () => Report;
  learn: (rate: ServiceRate) => void;
}

/**
 * The shards of one sweep. All sweeps on the roster share the shards by one rule: the sweep at position `p` of `n` takes
 * every n-th shard, beginning with the p-th. A shard goes to another sweep when the visits in it have ended, or when the
 * sweep that held it died.
 */
export class SweepShards {
  readonly #leases: ShardLeases;
  readonly holder: string;
  readonly #most: number;
  readonly #report: Meter['report'];
  readonly #learn: Meter['learn'];
  readonly #held = new Set<number>();
  /** Shards with claims that this sweep may not know or cannot end. */
  readonly #doubtful = new Set<number>();
  #share: readonly number[] = [];
  #sweeps = 1;

  /** @param most the sweep joins no more than this many, itself included. */
  constructor(leases: ShardLeases, holder: string, most: number, meter: Meter) {
    this.#leases = leases;
    this.#report = meter.report;
    this.#learn = meter.learn;
    this.holder = holder;
    this.#most = most;
  }

  /** How many sweeps run, this one included. */
  get sweeps(): number {
    return this.#sweeps;
  }

  /** The shards that this sweep may visit now. */
  get held(): readonly number[] {
    return this.#share.filter((shard) => this.#held.has(shard));
  }

  /** Joins the roster, or renews the entry, and exchanges what the sweeps metered. False if enough sweeps run. */
  async join(now: number): Promise<boolean> {
    const { sweeps, rate } = await this.#leases.join(this.holder, now, this.#most, this.#report());
    this.#learn(rate);
    if (!sweeps) return false;
    const position = sweeps.indexOf(this.holder);
    this.#sweeps = sweeps.length;
    this.#share = shardNumbers.filter((shard) => shard % sweeps.length === position);
    return true;
  }

  /** Takes and renews the leases of this sweep's share, and gives back other shards in which no visit runs. */
  async renew(now: number, isBusy: (shard: number) => boolean): Promise<void> {
    await Promise.all(
      shardNumbers.map(async (shard) => {
        const isWanted = this.#share.includes(shard);
        if (!isWanted && !this.#held.has(shard)) return;
        if ((!isWanted && !isBusy(shard)) || this.#doubtful.has(shard)) await this.#giveBack(shard);
        if (!isWanted && !this.#held.has(shard)) return;
        if (await this.#leases.hold(shard, this.holder, now)) this.#held.add(shard);
        else this.#held.delete(shard);
      }),
    );
  }

  /** Marks a shard whose claim may be lost. The shard is given back and taken again, which makes all its claims due. */
  doubt(shard: number): void {
    this.#doubtful.add(shard);
  }

  /** Gives back all shards and leaves the roster, so that other sweeps take over at once. */
  async leave(): Promise<void> {
    try {
      await Promise.all([...this.#held].map((shard) => this.#giveBack(shard)));
      await this.#leases.leave(this.holder);
    } catch (error) {
      // The leases expire by themselves.
      if (!isAway(error, 'redis')) throw error;
    }
  }

  async #giveBack(shard: number): Promise<void> {
    await this.#leases.giveBack(shard, this.holder);
    this.#held.delete(shard);
    this.#doubtful.delete(shard);
  }
}
