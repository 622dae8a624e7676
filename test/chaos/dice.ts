/** Random choices that follow from a seed, so that a run can be told again (the generator known as mulberry32). */
export class Dice {
  #state: number;

  constructor(seed: number) {
    this.#state = seed | 0;
  }

  /** From 0 to 1. */
  next(): number {
    this.#state = (this.#state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(this.#state ^ (this.#state >>> 15), 1 | this.#state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  }

  /** A waiting time around a mean, never more than three times as long. */
  around(meanMillis: number): number {
    return Math.min(3 * meanMillis, -Math.log(1 - this.next()) * meanMillis);
  }

  /** One of several, each as probable as its weight says. */
  choose<T extends string>(weights: Readonly<Partial<Record<T, number>>>): T {
    const entries = Object.entries(weights) as [T, number][];
    let left = this.next() * entries.reduce((sum, [, weight]) => sum + weight, 0);
    for (const [name, weight] of entries) {
      left -= weight;
      if (left < 0) return name;
    }
    return entries.at(-1)![0];
  }

  /** A seed for somebody's own dice. */
  seed(): number {
    return Math.floor(this.next() * 2 ** 31);
  }
}
