/** The number of scenarios, unless `SIMULATION_SEEDS` is set: each kind twice. */
const seedsOfARun = 30;

/** The seeds of the run: the first ones, or the one that `SIMULATION_SEED` names. */
export function clientSeeds(environment = process.env): number[] {
  const only = environment['SIMULATION_SEED'];
  if (only !== undefined) return [Number(only)];
  return Array.from({ length: Number(environment['SIMULATION_SEEDS'] ?? seedsOfARun) }, (_, seed) => seed);
}
