import { presenceKeys } from '../../lambdas/presence/keys.ts';

const dueKeys = 'presence:due:';
const leaseSuffix = ':lease';

interface Lease {
  holder: string;
  ends: number;
}

/**
 * A cache of values that sweeps read often, so that most reads need no call to the server. It has the expiry of each lease (the server
 * uses its own clock), the time of the last round, and the content of the deadline index at its last change. The shipped scripts
 * decide who gets a lease, who claims a session and what happens then.
 */
export class SimulatedSweep {
  readonly #leases = new Map<string, Lease>();
  #pulse: number | undefined;
  readonly #due = new Map<string, Map<string, number>>();

  /** The answer of the script for the lease of a shard; undefined if the script must be run. */
  answerHold(lease: string, holder: string, now: number, millis: number): number | undefined {
    const known = this.#leases.get(lease);
    if (!known || known.ends <= now) return undefined;
    if (known.holder !== holder) return 0;
    known.ends = now + millis;
    return 1;
  }

  hold(lease: string, holder: string, ends: number): void {
    this.#leases.set(lease, { holder, ends });
  }

  giveBack(lease: string, holder: string): void {
    if (this.#leases.get(lease)?.holder === holder) this.#leases.delete(lease);
  }

  /** Whether a lease has expired; an expired lease is deleted. */
  hasEnded(lease: string, now: number): boolean {
    const known = this.#leases.get(lease);
    return known !== undefined && known.ends <= now && this.#leases.delete(lease);
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
    return key.startsWith(dueKeys) && !key.endsWith(leaseSuffix);
  }

  /** The present content of a shard of the index. */
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
    this.#leases.delete(key);
    if (key === presenceKeys.sweepPulse) this.#pulse = undefined;
  }
}
