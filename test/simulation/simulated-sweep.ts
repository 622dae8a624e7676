import { presenceKeys } from '../../lambdas/presence/keys.ts';

const dueKeys = 'presence:due:';
const leaseSuffix = ':lease';

interface Lease {
  holder: string;
  ends: number;
}

/**
 * What sweeps ask for again and again, kept beside the server so that most of it costs no call: until when each lease is
 * held (the server counts in its own time), the moment of the last round, and what the index of deadlines held when it was
 * last changed. Who gets a lease, who claims what is due and what becomes of it is decided by the shipped scripts.
 */
export class SimulatedSweep {
  readonly #leases = new Map<string, Lease>();
  #pulse: number | undefined;
  readonly #due = new Map<string, Map<string, number>>();

  /** What the script that holds a shard would answer; undefined where it has to be run. */
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

  /** Whether a lease has come to its end; it is forgotten then. */
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
    this.#leases.delete(key);
    if (key === presenceKeys.sweepPulse) this.#pulse = undefined;
  }
}
