import { presenceKeys } from '../../lambdas/presence/keys.ts';

const dueKeys = 'presence:due:';

/**
 * What sweeps ask for again and again, kept beside the server so that most of it costs no call: the lease, the moment of
 * the last round, and what the index of deadlines held when it was last changed. Who claims what is due, and what becomes
 * of it, is decided by the shipped scripts.
 */
export class SimulatedSweep {
  #lease: { owner: string; ends: number } | undefined;
  #pulse: number | undefined;
  readonly #due = new Map<string, Map<string, number>>();

  /** Takes, renews or gives back the lease, as the scripts of the product do; 1 where it is the owner's. */
  hold(owner: string, now: number, millis: number | undefined): number {
    const isFree = !this.#lease || this.#lease.ends <= now || this.#lease.owner === owner;
    if (isFree) this.#lease = millis === undefined ? undefined : { owner, ends: now + millis };
    return millis === undefined || isFree ? 1 : 0;
  }

  isHeld(now: number): boolean {
    return this.#lease !== undefined && this.#lease.ends > now;
  }

  beat(at: number): number {
    this.#pulse = at;
    return 1;
  }

  /** The answer of `ZRANGE … WITHSCORES`. */
  get pulse(): string[] {
    return this.#pulse === undefined ? [] : ['round', String(this.#pulse)];
  }

  isIndex(key: string): boolean {
    return key.startsWith(dueKeys);
  }

  /** What a shard of the index holds now. */
  learn(key: string, entries: [sessionId: string, deadline: number][]): void {
    this.#due.set(key, new Map(entries));
  }

  size(key: string): number {
    return this.#due.get(key)?.size ?? 0;
  }

  isDue(key: string, now: number): boolean {
    return [...(this.#due.get(key)?.values() ?? [])].some((deadline) => deadline <= now);
  }

  lose(key: string): void {
    this.#due.delete(key);
    if (key === presenceKeys.sweepLease) this.#lease = undefined;
    if (key === presenceKeys.sweepPulse) this.#pulse = undefined;
  }
}
