/** The results of the updates of a run. */
export interface Tallied {
  /** Expected deliveries, counted once for each receiver. */
  expected: number;
  /** Delivered updates. An update also counts if a newer one of the same sender arrived. */
  delivered: number;
  /** Delivered updates that were replaced by a newer one of the same sender. */
  replaced: number;
  lost: number;
  /** Time from sending an update until it or its replacement is received, in milliseconds. */
  latency: { p50: number; p95: number; p99: number; longest: number };
}

/**
 * Counts updates from senders to receivers. Senders number their updates without gaps, so a received number covers all
 * numbers up to it. Only updates sent between `begin` and `end` count.
 */
export class Tally {
  readonly #members: number;
  /** For each sender: the time of each update; the index is its number. */
  readonly #sentAt: number[][];
  /** For each receiver and sender: the last received number. */
  readonly #heard: Int32Array[];
  readonly #from: number[];
  readonly #upTo: number[];
  #latencies: number[] = [];
  #replaced = 0;
  #counting = false;

  constructor(members: number) {
    this.#members = members;
    this.#sentAt = Array.from({ length: members }, () => []);
    this.#heard = Array.from({ length: members }, () => new Int32Array(members).fill(-1));
    this.#from = new Array<number>(members).fill(0);
    this.#upTo = new Array<number>(members).fill(0);
  }

  /** Resets all counters and begins to count. */
  begin(): void {
    this.#counting = true;
    this.#latencies = [];
    this.#replaced = 0;
    for (const [sender, sent] of this.#sentAt.entries()) this.#from[sender] = sent.length;
  }

  end(): void {
    for (const [sender, sent] of this.#sentAt.entries()) this.#upTo[sender] = sent.length;
    this.#counting = false;
  }

  /** Records an update and returns its number. */
  sent(sender: number, at: number): number {
    return this.#sentAt[sender]!.push(at) - 1;
  }

  heard(receiver: number, sender: number, number: number, at: number): void {
    const last = this.#heard[receiver]![sender]!;
    if (number <= last || receiver === sender) return;
    this.#heard[receiver]![sender] = number;
    const first = Math.max(last + 1, this.#from[sender]!);
    const upTo = this.#counting ? Number.POSITIVE_INFINITY : this.#upTo[sender]!;
    for (let each = first; each <= number && each < upTo; each += 1) {
      this.#latencies.push(at - this.#sentAt[sender]![each]!);
      if (each < number) this.#replaced += 1;
    }
  }

  result(): Tallied {
    const sent = this.#upTo.reduce((sum, upTo, sender) => sum + upTo - this.#from[sender]!, 0);
    const expected = sent * (this.#members - 1);
    const sorted = Float64Array.from(this.#latencies).sort();
    const at = (share: number) => sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? Number.NaN;
    return {
      expected,
      delivered: sorted.length,
      replaced: this.#replaced,
      lost: expected - sorted.length,
      latency: { p50: at(0.5), p95: at(0.95), p99: at(0.99), longest: at(1) },
    };
  }
}
