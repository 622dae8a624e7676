import { randomUUID } from 'node:crypto';
import { Cluster, type Redis } from 'ioredis';
import { presenceKeys } from '../../lambdas/presence/keys.ts';
import { PresenceFixture } from '../support/presence.ts';
import { connectRedis, useCluster } from '../support/redis.ts';
import { type ClusterNode, moveSlot, type OwnCluster, startCluster } from './own-cluster.ts';

let cluster: OwnCluster;

useCluster();
beforeAll(async () => {
  cluster = await startCluster();
  process.env['TEST_REDIS_URL'] = cluster.url;
});
afterAll(() => cluster.stop());

// The same tests as on one node. Each suite connects when its tests begin, which is after the cluster came together.
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

/** How often the nodes ran a script, and how often they sent a client elsewhere. */
async function counts(): Promise<{ scripts: number; redirections: number }> {
  const infos = await Promise.all(cluster.nodes.map(({ client }) => client.info('everything')));
  const sum = (pattern: RegExp) => infos.reduce((total, info) => total + Number(pattern.exec(info)?.[1] ?? 0), 0);
  return { scripts: sum(/cmdstat_evalsha:calls=(\d+)/), redirections: sum(/errorstat_MOVED:count=(\d+)/) };
}

test('[PR14] a frame is one script on one node, without a redirection', async () => {
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

test('the sessions are spread over all nodes, each whole on one', async () => {
  const redis = connect();
  const rooms = Array.from({ length: 30 }, () => new PresenceFixture(redis));
  for (const room of rooms) await room.enter(randomUUID(), 'c1');
  const homes = await Promise.all(rooms.map((room) => ownerOf(room.sessionId)));
  expect(new Set(homes).size).toBe(cluster.nodes.length);
});

test('[FA1] while its slot moves to another node a session says UNAVAILABLE in time, and afterwards all is there', async () => {
  const redis = connect();
  expect(redis).toBeInstanceOf(Cluster);
  const room = new PresenceFixture(redis);
  const [ada, bob] = [randomUUID(), randomUUID()];
  await room.enter(ada, 'a1');
  await room.enter(bob, 'b1');
  const from = await ownerOf(room.sessionId);
  const to = cluster.nodes.find((node) => node !== from)!;
  const move = await moveSlot(await slotOf(room.sessionId), from, to, cluster.nodes);
  // Redis runs no script over several keys of a slot that is on its way; a read of one key is sent after it (ASK).
  expect(await room.store.isPresent(room.sessionId, ada)).toBe(true);
  expect(await move.carry()).toBeGreaterThan(3);
  expect(await room.store.isPresent(room.sessionId, ada)).toBe(true);
  const began = performance.now();
  await expect(room.heartbeat(ada, 'a1')).rejects.toMatchObject({ code: 'UNAVAILABLE' });
  expect(performance.now() - began).toBeLessThan(1000);
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

test('[FA1] a client that knows an old map of the cluster is led to the new node (MOVED)', async () => {
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

test('[FA2] a node that lost its memory is known by its part of the index, and its sessions are unknown', async () => {
  const redis = connect();
  const { Deadlines } = await import('../../lambdas/presence/deadlines.ts');
  const deadlines = new Deadlines(redis);
  const room = new PresenceFixture(redis);
  await room.enter(randomUUID(), 'c1');
  await deadlines.markWhole();
  await (await ownerOf(room.sessionId)).client.flushall();
  expect(await deadlines.isWhole()).toBe(false);
  expect(await room.store.isKnown(room.sessionId)).toBe(false);
  const members = [{ userId: randomUUID(), connectionId: 'c1', username: 'Ada', role: 'viewer' as const, joinedAt: 1 }];
  await room.store.restore(room.sessionId, members, room.now, { onlyIfLost: true });
  expect((await room.users()).map((user) => user.userId)).toEqual([members[0]!.userId]);
});

const slotOf = async (sessionId: string) =>
  Number(await cluster.nodes[0].client.call('CLUSTER', 'KEYSLOT', presenceKeys.users(sessionId)));

/** The node that holds a session's keys, by asking each for them. */
async function ownerOf(sessionId: string): Promise<ClusterNode> {
  const slot = await slotOf(sessionId);
  const counts = await Promise.all(
    cluster.nodes.map(async ({ client }) => Number(await client.call('CLUSTER', 'COUNTKEYSINSLOT', slot))),
  );
  const holders = cluster.nodes.filter((_, index) => counts[index]! > 0);
  expect(holders).toHaveLength(1);
  return holders[0]!;
}
