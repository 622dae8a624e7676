import { randomUUID } from 'node:crypto';
import { Cluster, type Redis } from 'ioredis';
import { Deadlines, shardNumbers } from '../../lambdas/presence/deadlines.ts';
import { presenceKeys } from '../../lambdas/presence/keys.ts';
import { MovingSessions } from '../../lambdas/presence/moving-sessions.ts';
import { ShardLeases } from '../../lambdas/presence/shard-leases.ts';
import { PresenceFixture } from '../support/presence.ts';
import { connectRedis, useCluster } from '../support/redis.ts';
import { expectWithin } from '../support/time-limits.ts';
import { type ClusterNode, moveSlot, type OwnCluster, startCluster } from './own-cluster.ts';

let cluster: OwnCluster;

useCluster();
beforeAll(async () => {
  cluster = await startCluster();
  process.env['TEST_REDIS_URL'] = cluster.url;
});
afterAll(() => cluster.stop());

// The same tests as on one node. Each suite connects when its tests begin, so the cluster exists then.
describe.each(['presence-store', 'windows', 'deadlines', 'presence-manager', 'shard-leases', 'moving-sessions'])(
  '%s on a cluster',
  (name) => {
    require(`../presence/${name}.test.ts`);
  },
);

const opened: Redis[] = [];
afterEach(() => Promise.all(opened.splice(0).map((redis) => redis.quit())));

function connect(): Redis {
  const redis = connectRedis();
  opened.push(redis);
  return redis;
}

/** How often the nodes ran a script, and how often they redirected a client. */
async function counts(): Promise<{ scripts: number; redirections: number }> {
  const infos = await Promise.all(cluster.nodes.map(({ client }) => client.info('everything')));
  const sum = (pattern: RegExp) => infos.reduce((total, info) => total + Number(pattern.exec(info)?.[1] ?? 0), 0);
  // A connection sends the text of a script at its first call.
  const scripts = sum(/cmdstat_evalsha:calls=(\d+)/) + sum(/cmdstat_eval:calls=(\d+)/);
  return { scripts, redirections: sum(/errorstat_MOVED:count=(\d+)/) };
}

test('[PR14] a frame runs one script on one node without a redirection', async () => {
  const redis = connect();
  const rooms = Array.from({ length: 20 }, () => new PresenceFixture(redis));
  const person = randomUUID();
  for (const room of rooms) await room.enter(person, 'c1');
  for (const room of rooms) await room.heartbeat(person, 'c1');
  const before = await counts();
  for (const room of rooms) {
    await room.heartbeat(person, 'c1');
    await room.cursor(person, 'c1', room.now % 1000);
    await room.update(person, 'c1', { status: 'away' });
  }
  const after = await counts();
  expect(after.scripts - before.scripts).toBe(3 * rooms.length);
  expect(after.redirections).toBe(before.redirections);
});

test('[PR12] the shards are distributed over all nodes, and each shard is on one node with its lease and its moving sessions', async () => {
  const redis = connect();
  const [deadlines, leases, moving] = [new Deadlines(redis), new ShardLeases(redis), new MovingSessions(redis)];
  for (const key of shardNumbers.map((shard) => presenceKeys.dueLease(shard))) await redis.del(key);
  const sessionIds: string[] = Array.from({ length: 80 }, () => randomUUID());
  const before = await counts();
  for (const sessionId of sessionIds) {
    await deadlines.schedule(sessionId, 1);
    await moving.add(sessionId, 1);
  }
  for (const sweep of ['one', 'other']) {
    for (const shard of shardNumbers.filter((number) => number % 2 === (sweep === 'one' ? 0 : 1))) {
      expect(await leases.hold(shard, sweep, 1)).toBe(true);
    }
  }
  const claims = await Promise.all(
    ['one', 'other'].map(async (sweep) =>
      (await Promise.all(shardNumbers.map((shard) => deadlines.claim(shard, sweep, 2, 1000)))).flat(),
    ),
  );
  const own = claims.map((claimed) => claimed.filter((sessionId) => sessionIds.includes(sessionId)));
  expect(own.flat().sort()).toEqual([...sessionIds].sort());
  expect(Math.min(...own.map((share) => share.length))).toBeGreaterThan(10);
  // Each call is one script on the node of the shard.
  const after = await counts();
  expect(after.scripts - before.scripts).toBe(2 * sessionIds.length + shardNumbers.length + 2 * shardNumbers.length);
  const slots = await Promise.all(shardNumbers.map((shard) => homeOf(presenceKeys.due(shard))));
  expect(new Set(slots).size).toBe(cluster.nodes.length);
  for (const sweep of ['one', 'other']) for (const shard of shardNumbers) await leases.giveBack(shard, sweep);
});

test('the sessions are distributed over all nodes, and each session is on one node', async () => {
  const redis = connect();
  const rooms = Array.from({ length: 30 }, () => new PresenceFixture(redis));
  for (const room of rooms) await room.enter(randomUUID(), 'c1');
  const homes = await Promise.all(rooms.map((room) => ownerOf(room.sessionId)));
  expect(new Set(homes).size).toBe(cluster.nodes.length);
});

test('[FA1] while its hash slot moves to another node, a session is UNAVAILABLE, and afterwards it is complete', async () => {
  const redis = connect();
  expect(redis).toBeInstanceOf(Cluster);
  const room = new PresenceFixture(redis);
  const [ada, bob] = [randomUUID(), randomUUID()];
  await room.enter(ada, 'a1');
  await room.enter(bob, 'b1');
  const from = await ownerOf(room.sessionId);
  const to = cluster.nodes.find((node) => node !== from)!;
  const move = await moveSlot(await slotOf(room.sessionId), from, to, cluster.nodes);
  // Redis runs no script on several keys of a slot that is being moved; it redirects a read of one key (ASK).
  expect(await room.store.isPresent(room.sessionId, ada)).toBe(true);
  expect(await move.carry()).toBeGreaterThan(3);
  expect(await room.store.isPresent(room.sessionId, ada)).toBe(true);
  const began = performance.now();
  await expect(room.heartbeat(ada, 'a1')).rejects.toMatchObject({ code: 'UNAVAILABLE' });
  await expectWithin(performance.now() - began, 1000);
  await move.finish();
  room.pass(5);
  const after = new PresenceFixture(connect());
  after.now = room.now;
  const seat = { sessionId: room.sessionId, userId: bob, connectionId: 'b1' };
  expect(await after.store.touch(seat, { kind: 'heartbeat' }, room.now)).toBeDefined();
  const listed = await after.store.list(room.sessionId, room.now);
  expect(listed?.users.map((user) => user.userId).sort()).toEqual([ada, bob].sort());
  expect((await after.store.visit(room.sessionId, room.now)).leaves).toEqual([]);
  expect(await ownerOf(room.sessionId)).toBe(to);
});

test('[FA1] a client with an outdated map of the cluster is redirected to the new node (MOVED)', async () => {
  const room = new PresenceFixture(connect());
  const ada = randomUUID();
  await room.enter(ada, 'a1');
  const from = await ownerOf(room.sessionId);
  const to = cluster.nodes.find((node) => node !== from)!;
  const move = await moveSlot(await slotOf(room.sessionId), from, to, cluster.nodes);
  await move.carry();
  await move.finish();
  const before = await counts();
  expect(await room.heartbeat(ada, 'a1')).toBeDefined();
  expect((await counts()).redirections).toBeGreaterThan(before.redirections);
});

test('[FA2] the loss of a node’s memory is detected by its part of the deadline index, and its sessions are unknown', async () => {
  const redis = connect();
  const deadlines = new Deadlines(redis);
  const room = new PresenceFixture(redis);
  await room.enter(randomUUID(), 'c1');
  await deadlines.markComplete();
  await (await ownerOf(room.sessionId)).client.flushall();
  expect(await deadlines.isComplete()).toBe(false);
  expect(await room.store.isKnown(room.sessionId)).toBe(false);
  const members = [{ userId: randomUUID(), connectionId: 'c1', username: 'Ada', role: 'viewer' as const, joinedAt: 1 }];
  await room.store.restore(room.sessionId, members, room.now, { onlyIfLost: true });
  expect((await room.users()).map((user) => user.userId)).toEqual([members[0]!.userId]);
});

/** The index of the node that is responsible for a key. */
async function homeOf(key: string): Promise<number> {
  const slot = Number(await cluster.nodes[0].client.call('CLUSTER', 'KEYSLOT', key));
  return Math.min(cluster.nodes.length - 1, Math.floor((slot * cluster.nodes.length) / 16_384));
}

const slotOf = async (sessionId: string) =>
  Number(await cluster.nodes[0].client.call('CLUSTER', 'KEYSLOT', presenceKeys.users(sessionId)));

/** The node that has the keys of a session; asks each node. */
async function ownerOf(sessionId: string): Promise<ClusterNode> {
  const slot = await slotOf(sessionId);
  const counts = await Promise.all(
    cluster.nodes.map(async ({ client }) => Number(await client.call('CLUSTER', 'COUNTKEYSINSLOT', slot))),
  );
  const holders = cluster.nodes.filter((_, index) => counts[index]! > 0);
  expect(holders).toHaveLength(1);
  return holders[0]!;
}
