import type { Random } from '../random.ts';

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
