/** The number of scenarios of `npm run test:long`, unless `SIMULATION_SEEDS` is set. */
const seedsOfALongRun = 1000;
/** The number of scenarios of `npm test`: each kind twice. */
const seedsOfAShortRun = 30;

/**
 * The seeds of a test file. `npm run test:long` has two files, which run in parallel and share `SIMULATION_SEEDS` seeds.
 * `npm test` runs the first ones, or the one that `SIMULATION_SEED` names.
 */
export function clientSeedsOf(part: 'short' | 'first' | 'second', environment = process.env): number[] {
  const only = environment['SIMULATION_SEED'];
  if (only !== undefined) return part === 'second' ? [] : [Number(only)];
  const count = part === 'short' ? seedsOfAShortRun : Number(environment['SIMULATION_SEEDS'] ?? seedsOfALongRun);
  const all = Array.from({ length: count }, (_, seed) => seed);
  if (part === 'short') return all;
  const middle = Math.ceil(count / 2);
  return part === 'first' ? all.slice(0, middle) : all.slice(middle);
}
