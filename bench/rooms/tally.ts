/** What became of the updates of a run. */
export interface Tallied {
  /** Updates that should have reached somebody, counted once per receiver. */
  expected: number;
  /** Those that did, or whose successor did. */
  delivered: number;
  /** Delivered ones that a newer update of the same sender stood in for. */
  replaced: number;
  lost: number;
  /** From the sending to the receiving of the update or of the one that stands in for it, in milliseconds. */
  latency: { p50: number; p95: number; p99: number; longest: number };
}

/**
 * Counts updates from sender to receivers. Senders number their updates without a gap, so a receiver that hears a number
 * has heard everything up to it. Only what is sent between `begin` and `end` counts.
 */
export class Tally {
  readonly #members: number;
  /** By sender: when each update was sent; the index is its number. */
  readonly #sentAt: number[][];
  /** By receiver and sender: the last number heard. */
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

  /** Begins to count, from nothing. */
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

  /** Notes an update and answers its number. */
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
