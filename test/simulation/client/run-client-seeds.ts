import type { ClientSetup, ClientWorld } from './client-world.ts';
import { runClientWorld } from './run-client-world.ts';

/** How many failed scenarios are reported before the run ends. */
const namedWorlds = 5;
const worldsAtATime = 24;

/** Runs many seeds, some at a time; ends early if `enough` of them failed. */
export async function runClientSeeds(seeds: Iterable<number>, setup: ClientSetup, enough = 1): Promise<ClientWorld[]> {
  const failed: ClientWorld[] = [];
  const queue = seeds[Symbol.iterator]();
  const work = async () => {
    for (let next = queue.next(); !next.done && failed.length < enough; next = queue.next()) {
      const world = await runClientWorld(next.value, setup);
      if (world.violations.length > 0) failed.push(world);
    }
  };
  await Promise.all(Array.from({ length: worldsAtATime }, work));
  return failed.toSorted((one, other) => one.seed - other.seed);
}

/** Runs many worlds. @returns the violations of each failed one. The trace of the first failed one is printed. */
export async function liveThroughClients(seeds: readonly number[], setup: ClientSetup): Promise<string[]> {
  const failed = await runClientSeeds(seeds, setup, namedWorlds);
  const [first] = failed;
  if (first) {
    const told = await runClientWorld(first.seed, { ...setup, name: `${setup.name}:told` }, { told: true });
    console.error(`${describeClientFailure(first)}\n\n${told.trace}`);
  }
  return failed.map(describeClientFailure);
}

/** Describes a failed scenario: its seed, its kind, the violations and the command that repeats it. */
function describeClientFailure({ seed, profile, violations }: ClientWorld): string {
  const repeat = `SIMULATION_SEED=${seed} npm run test:check -- test/simulation/client/client-worlds`;
  return `seed ${seed}, a world of the kind "${profile.name}"; again: ${repeat}\n${violations.join('\n')}`;
}
