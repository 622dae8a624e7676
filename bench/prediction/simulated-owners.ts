/** A seeded random generator (mulberry32), so that a run can be repeated. */
export class Random {
  #state: number;

  constructor(seed: number) {
    this.#state = (seed ^ 0x9e3779b9) >>> 0;
  }

  /** At least 0, below 1. */
  next(): number {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0;
    let mixed = this.#state;
    mixed = Math.imul(mixed ^ (mixed >>> 15), mixed | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  }

  chance(probability: number): boolean {
    return this.next() < probability;
  }

  exponential(mean: number): number {
    return -mean * Math.log(1 - this.next());
  }

  /** @param median in the unit of the result. @param spread standard deviation of the logarithm. */
  logNormal(median: number, spread: number): number {
    const normal = Math.sqrt(-2 * Math.log(1 - this.next())) * Math.cos(2 * Math.PI * this.next());
    return median * Math.exp(spread * normal);
  }
}

/** The minutes of silence until somebody came back; infinite if nobody did. */
export type Silence = number;

/** How the owners of one kind use their sessions. */
export interface OwnerKind {
  name: string;
  /** How many sessions an owner has. */
  sessions: number;
  /** The silences of one session, in their order. The first one that lasts until the timeout ends it. */
  silences(random: Random): Silence[];
}

const never = Number.POSITIVE_INFINITY;
const many = (count: number, make: () => Silence) => Array.from({ length: count }, make);

export const ownerKinds: readonly OwnerKind[] = [
  {
    // Short breaks, a lunch, and the end of the day.
    name: 'office hours',
    sessions: 40,
    silences: (random) => [
      ...many(3, () => random.exponential(6)),
      random.logNormal(40, 0.25),
      ...many(2, () => random.exponential(6)),
      never,
    ],
  },
  {
    // Pauses of any length, and an end at any time.
    name: 'night owls',
    sessions: 40,
    silences: (random) => [...many(8, () => (random.chance(0.25) ? never : random.logNormal(22, 0.9))), never],
  },
  { name: 'one-off', sessions: 1, silences: (random) => [random.exponential(10), never] },
  {
    // A program that looks at its session every 50 minutes, and is stopped one day.
    name: 'bots that return',
    sessions: 6,
    silences: (random) => [...many(30, () => 50 + random.next()), never],
  },
  { name: 'bots that never return', sessions: 40, silences: () => [never] },
];
