import type { SeededRandom } from '../harness/seeded-random.ts';

/** The kinds of faults in a scenario. Probabilities are per occasion. */
export interface Profile {
  name: string;
  /** The probability that an invocation is killed at one of its awaits. */
  kills: number;
  /** The probability that a post is answered with 429 or 5xx. */
  refusals: number;
  disconnectLost: number;
  disconnectDoubled: number;
  disconnectLate: number;
  /** The probability of a slow answer of a backing service, up to 300 ms. */
  slow: number;
  evictions: number;
  emptied: number;
  outages: number;
  /** Above this number of members, diffs wait for the window. */
  mergedAbove: number;
  /** The length of a window in milliseconds; longer windows merge more. */
  windowMillis: number;
}

const calm: Profile = {
  name: 'calm',
  kills: 0,
  refusals: 0,
  disconnectLost: 0,
  disconnectDoubled: 0,
  disconnectLate: 0,
  slow: 0,
  evictions: 0,
  emptied: 0,
  outages: 0,
  mergedAbove: 50,
  windowMillis: 100,
};

const network = { disconnectLost: 0.2, disconnectDoubled: 0.2, disconnectLate: 0.3, slow: 0.01 };

/** The kinds of scenarios; seeds use them in turn. */
export const profiles: readonly Profile[] = [
  calm,
  { ...calm, ...network, name: 'network' },
  { ...calm, ...network, name: 'refusals', refusals: 0.1 },
  { ...calm, ...network, name: 'kills', kills: 0.08 },
  { ...calm, ...network, name: 'merging', mergedAbove: 1, windowMillis: 800 },
  { ...calm, ...network, name: 'mixed', kills: 0.04, refusals: 0.05 },
  { ...calm, name: 'evictions', evictions: 5 },
  { ...calm, ...network, name: 'emptied', emptied: 1 },
  { ...calm, name: 'outages', outages: 2 },
  { ...calm, name: 'merging and evictions', mergedAbove: 1, windowMillis: 800, evictions: 6 },
  { ...calm, ...network, name: 'merging and kills', mergedAbove: 2, windowMillis: 500, kills: 0.04 },
];

export function profileOf(seed: number): Profile {
  return profiles[seed % profiles.length]!;
}

/** The random duration of a call to a backing service, in milliseconds. */
export function callMillis(random: SeededRandom, profile: Profile): number {
  return profile.slow > 0 && random.chance(profile.slow) ? random.int(50, 300) : random.int(1, 8);
}
