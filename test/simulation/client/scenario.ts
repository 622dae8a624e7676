import type { Fault } from './client-profile.ts';
import type { ClientWorld } from './client-world.ts';
import { faults } from './faults.ts';
import type { Tab } from './tab.ts';

/** The pause between two faults of a tab, in milliseconds. */
const pauseMillis: [number, number] = [500, 40_000];
/** The length of an outage, in milliseconds. The sweep that runs meanwhile restores the sessions. */
const outageMillis: [number, number] = [300, 15_000];
const recoveryMillis = 10_000;

/** Starts faults of each tab, one after the other, for the given time. */
export function startFaults(world: ClientWorld, millis: number): void {
  const until = world.clock.now + millis;
  for (const tab of world.tabs) disturbNext(world, tab, until);
  const { emptied, outages } = world.profile;
  const atSomeMoment = (work: () => void | Promise<void>) =>
    world.clock.after(world.random.int(1000, millis - 20_000), work);
  // The clock waits for the real server. Otherwise other calls run while keys are deleted, and the seed does not repeat.
  for (let count = 0; count < emptied; count += 1) atSomeMoment(() => emptyRedis(world));
  for (let count = 0; count < outages; count += 1) atSomeMoment(() => takeRedisAway(world));
}

function disturbNext(world: ClientWorld, tab: Tab, until: number): void {
  const { clock, random, profile } = world;
  const names = Object.keys(profile.faults) as Fault[];
  if (names.length === 0) return;
  clock.after(random.int(...pauseMillis), () => {
    if (clock.now >= until) return;
    const name = random.weighted(profile.faults);
    world.note(`FAULT ${name} for ${tab.name}`);
    const busyMillis = faults[name](world, tab);
    world.busyUntil.set(tab.name, clock.now + busyMillis);
    clock.after(busyMillis, () => disturbNext(world, tab, until));
  });
}

async function emptyRedis(world: ClientWorld): Promise<void> {
  world.note('Redis is EMPTIED');
  world.troubledUntil = world.clock.now + world.timings.heartbeatMillis + recoveryMillis;
  for (const sessionId of world.sessionIds) await world.redis.lose(world.redis.keysOf(sessionId));
  await world.redis.lose(world.redis.sharedKeys());
}

function takeRedisAway(world: ClientWorld): void {
  const { clock, random, redis } = world;
  if (redis.away) return;
  const millis = random.int(...outageMillis);
  world.note(`Redis is AWAY for ${millis} ms`);
  redis.away = true;
  world.troubledUntil = clock.now + millis + world.timings.heartbeatMillis + recoveryMillis;
  world.sweep(millis + recoveryMillis);
  clock.after(millis, () => {
    world.note('Redis is back');
    redis.away = false;
  });
}
