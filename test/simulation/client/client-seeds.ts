/** The number of scenarios of `npm run test:long`, unless `SIMULATION_SEEDS` is set. */
const seedsOfALongRun = 1000;
/** The number of scenarios of `npm run test:check`: each kind twice. */
const seedsOfAShortRun = 30;
/** The scenarios of one test of a long run. Jest reports each test, so that the run shows its progress. */
const seedsOfATest = 50;

/** The seeds of `npm run test:check`: the first ones, or the one that `SIMULATION_SEED` names. */
export function shortSeeds(environment = process.env): number[] {
  const only = environment['SIMULATION_SEED'];
  return only === undefined ? seedsFrom(0, seedsOfAShortRun) : [Number(only)];
}

/**
 * The seeds of a long run, which begin with `SIMULATION_FROM` (0), in groups for one test each. Two files run in parallel: one has
 * the even groups, the other one the odd groups.
 */
export function longSeeds(part: 'even' | 'odd', environment = process.env): number[][] {
  const from = Number(environment['SIMULATION_FROM'] ?? 0);
  const count = Number(environment['SIMULATION_SEEDS'] ?? seedsOfALongRun);
  const groups: number[][] = [];
  for (let done = part === 'even' ? 0 : seedsOfATest; done < count; done += 2 * seedsOfATest)
    groups.push(seedsFrom(from + done, Math.min(seedsOfATest, count - done)));
  return groups;
}

function seedsFrom(start: number, length: number): number[] {
  return Array.from({ length }, (_, index) => start + index);
}
