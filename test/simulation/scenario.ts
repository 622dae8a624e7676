import { presenceKeys } from '../../lambdas/presence/keys.ts';
import type { SimulatedClient } from './simulated-client.ts';
import type { World } from './world.ts';

/** What people do: each tab acts on its own, at moments and in ways the seed decides. */
export function startScenario(world: World): void {
  for (const client of world.clients) {
    world.clock.after(world.dice.int(0, 4000), () => {
      for (const sessionId of world.sessionIds) if (world.dice.chance(0.8)) client.join(sessionId);
      client.connect();
      planNext(world, client);
    });
  }
  const { evictions, emptied, outages } = world.profile;
  for (let count = 0; count < evictions; count += 1) world.atSomeMoment(() => evictKey(world));
  for (let count = 0; count < evictions; count += 1) world.atSomeMoment(() => evictCursors(world));
  for (let count = 0; count < emptied; count += 1) world.atSomeMoment(() => emptySessions(world));
  for (let count = 0; count < outages; count += 1) world.atSomeMoment(() => takeRedisAway(world));
}

function planNext(world: World, client: SimulatedClient): void {
  world.clock.after(world.dice.int(200, 3000), () => {
    if (!world.faulty) return;
    if (client.open) act(world, client);
    planNext(world, client);
  });
}

function act(world: World, client: SimulatedClient): void {
  const { dice } = world;
  const joined = [...client.rooms].filter(([, room]) => room.joined).map(([sessionId]) => sessionId);
  const choice = dice.next();
  if (choice < 0.06) {
    goAndComeBack(world, client);
    return;
  }
  if (choice < 0.11) {
    client.join(dice.pick(world.sessionIds));
    return;
  }
  if (joined.length === 0) return;
  const sessionId = dice.pick(joined);
  if (world.bursts && dice.chance(0.3)) {
    burst(world, client, sessionId, dice.int(3, 10));
    return;
  }
  if (choice < 0.15) {
    client.leave(sessionId);
    return;
  }
  if (choice < 0.25) {
    client.send({ type: 'presence_update', sessionId, status: dice.pick(statuses) });
    return;
  }
  if (choice < 0.33) client.idle = !client.idle;
  else moveAbout(world, client, sessionId, dice.int(1, 5));
}

const statuses = ['online', 'online', 'away', 'offline'] as const;

function moveAbout(world: World, client: SimulatedClient, sessionId: string, moves: number): void {
  const cursor = { eventId: 'event', position: world.nextPosition() };
  client.send({ type: 'cursor_update', sessionId, cursor });
  if (moves > 1) {
    const pause = world.dice.int(10, 120);
    world.clock.after(pause, () => moveAbout(world, client, sessionId, moves - 1));
  }
}

/** So many frames at once: comings and goings, or cursors and statuses mixed. */
function burst(world: World, client: SimulatedClient, sessionId: string, frames: number): void {
  const { dice } = world;
  if (dice.chance(0.5)) {
    client.comeAndGo(sessionId, frames);
    return;
  }
  for (let frame = 0; frame < frames; frame += 1) {
    if (dice.chance(0.3)) client.send({ type: 'presence_update', sessionId, status: dice.pick(statuses) });
    else {
      const cursor = { eventId: 'event', position: world.nextPosition() };
      client.send({ type: 'cursor_update', sessionId, cursor });
    }
  }
}

function goAndComeBack(world: World, client: SimulatedClient): void {
  const { dice, clock } = world;
  client.end(dice.pick(['clean', 'cut', 'cut', 'power']));
  if (dice.chance(0.25)) return;
  clock.after(dice.chance(0.7) ? dice.int(50, 2500) : dice.int(2500, 12_000), () => client.connect());
}

/** Who is there, with which seats and graces, and the records. */
const vitalKeys = /^presence:((session|connections|leaving):\{|\{)/;

async function evictKey(world: World): Promise<void> {
  const sessionId = world.dice.pick(world.sessionIds);
  const keys = world.redis.keysOf(sessionId);
  // Most of them hold what nothing else tells.
  const vital = keys.filter((key) => vitalKeys.test(key));
  const key = world.dice.pick(vital.length > 0 && world.dice.chance(0.8) ? vital : keys);
  world.note(`Redis EVICTS ${key}`);
  world.ledger.lost(sessionId);
  await world.redis.lose([key]);
}

/** The records have each cursor too, so the ledger expects the same answers as before (rule FA2). */
async function evictCursors(world: World): Promise<void> {
  const key = presenceKeys.cursors(world.dice.pick(world.sessionIds));
  world.note(`Redis EVICTS ${key}`);
  await world.redis.lose([key]);
}

async function emptySessions(world: World): Promise<void> {
  world.note('Redis is EMPTIED');
  for (const sessionId of world.sessionIds) {
    world.ledger.emptied(sessionId);
    await world.redis.lose(world.redis.keysOf(sessionId));
  }
  await world.redis.lose(world.redis.sharedKeys());
}

function takeRedisAway(world: World): void {
  const millis = world.dice.int(300, 3000);
  for (const sessionId of world.sessionIds) world.ledger.unreachable(sessionId);
  world.note(`Redis is AWAY for ${millis} ms`);
  world.redis.away = true;
  world.clock.after(millis, () => {
    world.note('Redis is back');
    world.redis.away = false;
  });
}
