/** The number of scenarios of `npm run test:long`, unless `SIMULATION_SEEDS` is set. */
const seedsOfALongRun = 1000;
/** The number of scenarios of `npm run test:check`; each kind occurs several times. */
const seedsOfAShortRun = 33;

/**
 * The seeds of a test file. `npm run test:long` has two files, which run in parallel and share `SIMULATION_SEEDS` seeds,
 * starting with `SIMULATION_FROM` (0). `npm run test:check` runs the first seeds, or the one that `SIMULATION_SEED` names.
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
