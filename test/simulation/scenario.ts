import { presenceKeys } from '../../lambdas/presence/keys.ts';
import { chooseAction } from '../harness/actions.ts';
import type { SimulatedClient } from './simulated-client.ts';
import type { World } from './world.ts';

/** The actions of users: each tab acts separately, at times and in ways that the seed decides. */
export function startScenario(world: World): void {
  for (const client of world.clients) {
    world.clock.after(world.random.int(0, 4000), () => {
      for (const sessionId of world.sessionIds) if (world.random.chance(0.8)) client.join(sessionId);
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
  world.clock.after(world.random.int(200, 3000), () => {
    if (!world.faulty) return;
    if (client.open) act(world, client);
    planNext(world, client);
  });
}

type Act = (world: World, client: SimulatedClient, sessionId: string) => void;

const weights = { reconnect: 6, join: 5, leave: 4, choose: 10, idle: 8, move: 67 };
const actions: Record<keyof typeof weights, Act> = {
  reconnect: (world, client) => goAndComeBack(world, client),
  join: (world, client) => client.join(world.random.one(world.sessionIds)),
  leave: (_, client, sessionId) => client.leave(sessionId),
  choose: ({ frames, random }, client, sessionId) => client.send({ ...frames.choose(random), sessionId }),
  idle: (_, client) => {
    client.idle = !client.idle;
  },
  move: (world, client, sessionId) => moveAbout(world, client, sessionId, world.random.int(1, 5)),
};

function act(world: World, client: SimulatedClient): void {
  const { random } = world;
  const joined = [...client.rooms].filter(([, room]) => room.joined).map(([sessionId]) => sessionId);
  const { name, run } = chooseAction(random, weights, actions);
  if (name === 'reconnect' || name === 'join') {
    run(world, client, '');
    return;
  }
  if (joined.length === 0) return;
  const sessionId = random.one(joined);
  if (world.bursts && random.chance(0.3)) burst(world, client, sessionId, random.int(3, 10));
  else run(world, client, sessionId);
}

function moveAbout(world: World, client: SimulatedClient, sessionId: string, moves: number): void {
  client.send({ ...world.frames.move(), sessionId });
  if (moves > 1) {
    const pause = world.random.int(10, 120);
    world.clock.after(pause, () => moveAbout(world, client, sessionId, moves - 1));
  }
}

/** Sends several frames at once: joins and leaves, or cursors and statuses. */
function burst(world: World, client: SimulatedClient, sessionId: string, count: number): void {
  const { frames, random } = world;
  if (random.chance(0.5)) {
    client.comeAndGo(sessionId, count);
    return;
  }
  for (let frame = 0; frame < count; frame += 1)
    client.send({ ...(random.chance(0.3) ? frames.choose(random) : frames.move()), sessionId });
}

function goAndComeBack(world: World, client: SimulatedClient): void {
  const { random, clock } = world;
  client.end(random.one(['clean', 'cut', 'cut', 'power']));
  if (random.chance(0.25)) return;
  clock.after(random.chance(0.7) ? random.int(50, 2500) : random.int(2500, 12_000), () => client.connect());
}

/** The keys of users, seats, graces and records. */
const vitalKeys = /^presence:((session|connections|leaving):\{|\{)/;

async function evictKey(world: World): Promise<void> {
  const sessionId = world.random.one(world.sessionIds);
  const keys = world.redis.keysOf(sessionId);
  // Most of these keys hold data that is nowhere else.
  const vital = keys.filter((key) => vitalKeys.test(key));
  const key = world.random.one(vital.length > 0 && world.random.chance(0.8) ? vital : keys);
  world.note(`Redis EVICTS ${key}`);
  world.ledger.lost(sessionId);
  await world.redis.lose([key]);
}

/** The records also contain the cursors, so the ledger expects the same replies as before (rule FA2). */
async function evictCursors(world: World): Promise<void> {
  const key = presenceKeys.cursors(world.random.one(world.sessionIds));
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
  const millis = world.random.int(300, 3000);
  for (const sessionId of world.sessionIds) world.ledger.unreachable(sessionId);
  world.note(`Redis is AWAY for ${millis} ms`);
  world.redis.away = true;
  world.clock.after(millis, () => {
    world.note('Redis is back');
    world.redis.away = false;
  });
}
