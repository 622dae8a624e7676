/** Worlds of a check unless `SIMULATION_SEEDS` says otherwise. */
const seedsOfACheck = 2000;

/**
 * The seeds of one of two files, which run beside each other: `SIMULATION_SEEDS` of them in all from `SIMULATION_FROM` on
 * (0), or the one that `SIMULATION_SEED` names.
 */
export function seedsOf(half: 'first' | 'second', environment: NodeJS.ProcessEnv = process.env): number[] {
  const only = environment['SIMULATION_SEED'];
  if (only !== undefined) return half === 'first' ? [Number(only)] : [];
  const from = Number(environment['SIMULATION_FROM'] ?? 0);
  const count = Number(environment['SIMULATION_SEEDS'] ?? seedsOfACheck);
  const middle = Math.ceil(count / 2);
  const [start, length] = half === 'first' ? [from, middle] : [from + middle, count - middle];
  return Array.from({ length }, (_, index) => start + index);
}

/** How long so many worlds may take, in milliseconds; a check's take two minutes on a machine with nothing else to do. */
export function patienceFor(seeds: readonly number[]): number {
  return Math.max(900_000, 900 * seeds.length);
}
