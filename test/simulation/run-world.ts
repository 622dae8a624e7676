import {
  checkAudit,
  checkCursors,
  checkGhosts,
  checkLatest,
  checkNothingStranded,
  checkViews,
  shownOf,
} from './checks.ts';
import { startScenario } from './scenario.ts';
import { type SimulationSetup, World } from './world.ts';

const activeMillis = 20_000;
const sweepEveryMillis = 60_000;
const checkEveryMillis = 1000;
const writingMillis = 3000;

/** Runs the scenario of one seed. */
export async function runWorld(seed: number, setup: SimulationSetup, options = { told: false }): Promise<World> {
  const world = new World(seed, setup, { activeMillis, ...options });
  const { clock, random, timings } = world;
  const start = clock.now;
  startScenario(world);
  startSchedule(world, random.int(0, sweepEveryMillis));
  watch(world);
  await clock.runUntil(start + activeMillis);
  world.faulty = false;
  world.note('the quiet period begins');
  await clock.runUntil(clock.now + quietMillis(world));
  // After a killed sweep, a late sweep restores sessions late. Users who have left there time out once more.
  await clock.runUntil(Math.max(clock.now, world.restoredAt + ghostMillis(world)));
  checkLatest(world);
  checkViews(world, 'unasked');
  const unasked = shownOf(world);
  for (const client of world.clients) {
    for (const [sessionId, room] of client.rooms)
      if (client.open && room.joined) client.ask(sessionId, 'presence_sync');
  }
  await clock.runUntil(clock.now + timings.heartbeatMillis / 2);
  checkViews(world, 'asked');
  checkNothingStranded(world, unasked);
  world.note('the schedule starts a sweep');
  // The next sweep records the rest of a killed one within a minute.
  world.environments.invoke('timeout-sweep', {});
  await clock.runUntil(clock.now + writingMillis);
  checkAudit(world);
  for (const fault of world.told.faults()) world.violate(`[PR10] ${fault}`);
  await world.redis.clear();
  return world;
}

/** The time within which all earlier stays end: the bound of rule PR12, and the delay by a dead sweep. */
function quietMillis(world: World): number {
  const { timings, kills } = world;
  return Math.max(ghostMillis(world), timings.awayAfterMillis + 5000) + (kills.length > 0 ? 15_000 : 2000);
}

/** How long a user may be shown after their end, in milliseconds (rule PR12). */
function ghostMillis({ timings }: World): number {
  return timings.offlineAfterMillis + 5000;
}

function startSchedule(world: World, offset: number): void {
  world.clock.after(offset, () => {
    world.note('the schedule starts a sweep');
    world.environments.invoke('timeout-sweep', {});
    if (world.random.chance(0.3)) world.environments.invoke('timeout-sweep', {});
    startSchedule(world, sweepEveryMillis);
  });
}

function watch(world: World): void {
  world.clock.after(checkEveryMillis, () => {
    checkGhosts(world);
    checkCursors(world);
    watch(world);
  });
}

export interface SeedsOptions {
  /** The run ends early when this number of worlds count. */
  enough?: number;
  /** How many worlds run at the same time. */
  atATime?: number;
  /** Which worlds count; by default those with any violation. */
  counts?: (world: World) => boolean;
}

/** Runs many seeds, some at a time. @returns the worlds that count, ordered by seed. */
export async function runSeeds(
  seeds: Iterable<number>,
  setup: SimulationSetup,
  { enough = 1, atATime = 48, counts = ({ violations }) => violations.length > 0 }: SeedsOptions = {},
): Promise<World[]> {
  const failed: World[] = [];
  const queue = seeds[Symbol.iterator]();
  const work = async () => {
    for (let next = queue.next(); !next.done && failed.length < enough; next = queue.next()) {
      const world = await runWorld(next.value, setup);
      if (counts(world)) failed.push(world);
    }
  };
  await Promise.all(Array.from({ length: atATime }, work));
  return failed.toSorted((one, other) => one.seed - other.seed);
}
