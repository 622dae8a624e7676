import { runSeeds, runWorld } from './run-world.ts';
import type { SimulationSetup, World } from './world.ts';

/** How many failed scenarios are reported before the run ends. */
const namedWorlds = 5;

/**
 * Runs many scenarios. @returns the violations of rules, each with the command that repeats it. The events of the first failed
 * scenario are printed.
 */
export async function liveThrough(seeds: number[], setup: SimulationSetup): Promise<string[]> {
  const failed = await runSeeds(seeds, setup, { enough: namedWorlds });
  const [first] = failed;
  if (first) {
    // The same seed gives the same events, so only a failed scenario is run again with output.
    const told = await runWorld(first.seed, { ...setup, name: `${setup.name}:told` }, { told: true });
    console.error(`${describeFailure(first)}\n\n${told.trace}`);
  }
  return failed.map(describeFailure);
}

/** Describes a failed scenario: its seed, its kind, the violations and the command that repeats it. */
export function describeFailure({
  seed,
  profile,
  violations,
  bursts,
}: Pick<World, 'seed' | 'profile' | 'violations' | 'bursts'>): string {
  const repeat = `SIMULATION_SEED=${seed} npm run test:check -- test/simulation/${bursts ? 'order' : 'worlds'}`;
  return `seed ${seed}, a world of the kind "${profile.name}"; again: ${repeat}\n${violations.join('\n')}`;
}
