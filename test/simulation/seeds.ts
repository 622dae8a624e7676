/** Worlds of `npm run test:long`, unless `SIMULATION_SEEDS` says otherwise. */
const seedsOfALongRun = 2000;
/** Worlds of `npm test`: each kind several times. */
const seedsOfAShortRun = 100;

/**
 * The seeds of a test file. `npm run test:long` has two files, which run beside each other and share `SIMULATION_SEEDS`
 * seeds, from `SIMULATION_FROM` on (0). `npm test` runs the first hundred seeds, or the one that `SIMULATION_SEED` names.
 */
export function seedsOf(part: 'short' | 'first' | 'second', environment: NodeJS.ProcessEnv = process.env): number[] {
  const only = environment['SIMULATION_SEED'];
  if (only !== undefined) return part === 'second' ? [] : [Number(only)];
  if (part === 'short') return seedsFrom(0, seedsOfAShortRun);
  const from = Number(environment['SIMULATION_FROM'] ?? 0);
  const count = Number(environment['SIMULATION_SEEDS'] ?? seedsOfALongRun);
  const middle = Math.ceil(count / 2);
  return part === 'first' ? seedsFrom(from, middle) : seedsFrom(from + middle, count - middle);
}

function seedsFrom(start: number, length: number): number[] {
  return Array.from({ length }, (_, index) => start + index);
}
