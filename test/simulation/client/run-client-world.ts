import { checkActivities, checkGhosts, checkLists, checkSaid } from './client-checks.ts';
import { type ClientSetup, ClientWorld } from './client-world.ts';
import { startFaults } from './scenario.ts';
import { startUserActions } from './user-actions.ts';

/** How long users act and faults happen, in milliseconds; a tab that is hidden for ten minutes needs longer. */
const activeMillis = { short: 240_000, hidden: 700_000 };
/** The longest timeout of a connection (rule PR17), the delay of a sweep, and the time to find a dead socket. */
const quietMillis = 150_000 + 10_000 + 60_000;
/** All tabs are loaded within this time, in milliseconds. */
const arrivalMillis = 5000;
const checkEveryMillis = 1000;

/** Runs the scenario of one seed. */
export async function runClientWorld(
  seed: number,
  setup: ClientSetup,
  options = { told: false },
): Promise<ClientWorld> {
  const world = new ClientWorld(seed, setup, options);
  const { clock, random, timings } = world;
  world.startSweeps();
  for (const tab of world.tabs) {
    clock.after(random.int(0, arrivalMillis - 1000), () => {
      tab.load(world.sessionIds.filter((_, index) => index === 0 || random.chance(0.7)));
      startUserActions(world, tab);
    });
  }
  await clock.runUntil(clock.now + arrivalMillis);
  watch(world);
  const millis = world.profile.faults.hideLong ? activeMillis.hidden : activeMillis.short;
  startFaults(world, millis);
  await clock.runUntil(clock.now + millis);
  world.faulty = false;
  world.note('the quiet period begins');
  await clock.runUntil(clock.now + longestFaultMillis(world));
  for (const tab of world.tabs) {
    if (tab.client.state === 'closed') world.note(`the user connects ${tab.name}`);
    if (tab.client.state === 'closed') tab.client.connect();
  }
  await clock.runUntil(clock.now + quietMillis + timings.heartbeatMillis);
  await checkLists(world);
  await checkSaid(world);
  checkActivities(world);
  for (const tab of world.tabs) tab.promises.check();
  for (const tab of world.tabs) {
    tab.isClosed = true;
    tab.client.close();
  }
  await clock.runUntil(clock.now + 1000);
  await world.redis.clear();
  return world;
}

/** The milliseconds until all present faults have ended. */
function longestFaultMillis(world: ClientWorld): number {
  return Math.max(0, ...world.tabs.map(({ name }) => (world.busyUntil.get(name) ?? 0) - world.clock.now)) + 1;
}

function watch(world: ClientWorld): void {
  world.clock.after(checkEveryMillis, () => {
    checkGhosts(world);
    watch(world);
  });
}
