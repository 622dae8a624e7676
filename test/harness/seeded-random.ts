/** A seeded random generator (mulberry32). The same seed gives the same numbers, so a run can be repeated. */
export class SeededRandom {
  #state: number;

  constructor(seed: number) {
    this.#state = seed >>> 0;
  }

  /** For a seed out of a row of seeds: without mixing, the first numbers of neighbours would be alike. */
  static mixed(seed: number): SeededRandom {
    return new SeededRandom(seed ^ 0x9e3779b9);
  }

  /** At least 0, below 1. */
  next(): number {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0;
    let mixed = this.#state;
    mixed = Math.imul(mixed ^ (mixed >>> 15), mixed | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  }

  /** A whole number, at least 0 and below `end`. */
  below(end: number): number {
    return Math.floor(this.next() * end);
  }

  /** A whole number, both ends included. */
  int(from: number, to: number): number {
    return from + this.below(to - from + 1);
  }

  chance(probability: number): boolean {
    return this.next() < probability;
  }

  /** One of the items; undefined if there are none. */
  pick<T>(items: readonly T[]): T | undefined {
    return items[this.below(items.length)];
  }

  /** One of the items. @throws Error if there are none. */
  one<T>(items: readonly T[]): T {
    if (items.length === 0) throw new Error('There is no item to choose.');
    return this.pick(items)!;
  }

  /** One of the names, with a probability in proportion to its weight. */
  weighted<K extends string>(weights: Readonly<Partial<Record<K, number>>>): K {
    const entries = Object.entries(weights) as [K, number][];
    let left = this.next() * entries.reduce((sum, [, weight]) => sum + weight, 0);
    for (const [name, weight] of entries) {
      left -= weight;
      if (left < 0) return name;
    }
    return entries.at(-1)![0];
  }

  /** An exponentially distributed wait with this mean, at most three times as long. */
  around(meanMillis: number): number {
    return Math.min(3 * meanMillis, -Math.log(1 - this.next()) * meanMillis);
  }

  /** A seed for another generator. */
  seed(): number {
    return this.below(2 ** 31);
  }
}
