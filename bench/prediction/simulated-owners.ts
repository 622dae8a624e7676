import type { SeededRandom } from '../../test/harness/seeded-random.ts';

/** The minutes of silence until somebody came back; infinite if nobody did. */
export type Silence = number;

/** How the owners of one kind use their sessions. */
export interface OwnerKind {
  name: string;
  /** How many sessions an owner has. */
  sessions: number;
  /** The silences of one session, in their order. The first one that lasts until the timeout ends it. */
  silences(random: SeededRandom): Silence[];
}

/** @param mean in the unit of the result. */
const exponential = (random: SeededRandom, mean: number) => -mean * Math.log(1 - random.next());

/** @param median in the unit of the result. @param spread standard deviation of the logarithm. */
function logNormal(random: SeededRandom, median: number, spread: number): number {
  const normal = Math.sqrt(-2 * Math.log(1 - random.next())) * Math.cos(2 * Math.PI * random.next());
  return median * Math.exp(spread * normal);
}

const never = Number.POSITIVE_INFINITY;
const many = (count: number, make: () => Silence) => Array.from({ length: count }, make);

export const ownerKinds: readonly OwnerKind[] = [
  {
    // Short breaks, a lunch, and the end of the day.
    name: 'office hours',
    sessions: 40,
    silences: (random) => [
      ...many(3, () => exponential(random, 6)),
      logNormal(random, 40, 0.25),
      ...many(2, () => exponential(random, 6)),
      never,
    ],
  },
  {
    // Pauses of any length, and an end at any time.
    name: 'night owls',
    sessions: 40,
    silences: (random) => [...many(8, () => (random.chance(0.25) ? never : logNormal(random, 22, 0.9))), never],
  },
  { name: 'one-off', sessions: 1, silences: (random) => [exponential(random, 10), never] },
  {
    // A program that looks at its session every 50 minutes, and is stopped one day.
    name: 'bots that return',
    sessions: 6,
    silences: (random) => [...many(30, () => 50 + random.next()), never],
  },
  { name: 'bots that never return', sessions: 40, silences: () => [never] },
];
