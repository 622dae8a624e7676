import { runSeeds, runWorld } from './run-world.ts';
import type { Universe, World } from './world.ts';

/** How many failed worlds are named before the run ends. */
const namedWorlds = 5;

/**
 * Lives through many worlds and answers what the rules were broken by, with the way to see it again. The story of the
 * first failed world goes to the console.
 */
export async function liveThrough(seeds: number[], universe: Universe): Promise<string[]> {
  const failed = await runSeeds(seeds, universe, { enough: namedWorlds });
  const [first] = failed;
  if (first) {
    // The same seed is the same story, so only one that failed has to be told.
    const told = await runWorld(first.seed, { ...universe, name: `${universe.name}:told` }, { told: true });
    console.error(`${describeFailure(first)}\n\n${told.trace}`);
  }
  return failed.map(describeFailure);
}

/** Names a failed world, its kind, what went wrong and the command that repeats it. */
export function describeFailure({
  seed,
  profile,
  violations,
  bursts,
}: Pick<World, 'seed' | 'profile' | 'violations' | 'bursts'>): string {
  const repeat = `SIMULATION_SEED=${seed} npm test -- test/simulation/${bursts ? 'order' : 'worlds'}`;
  return `seed ${seed}, a world of the kind "${profile.name}"; again: ${repeat}\n${violations.join('\n')}`;
}
