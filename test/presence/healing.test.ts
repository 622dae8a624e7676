import type { Redis } from 'ioredis';
import { presenceKeys } from '../../lambdas/presence/keys.ts';
import { PresenceFixture } from '../support/presence.ts';
import { connectRedis } from '../support/redis.ts';

const alice = '00000000-0000-4000-8000-00000000000a';
const bob = '00000000-0000-4000-8000-00000000000b';

let redis: Redis;
let room: PresenceFixture;

beforeAll(() => {
  redis = connectRedis();
});
afterAll(() => redis.quit());
beforeEach(() => {
  room = new PresenceFixture(redis);
});

const connectionsOf = async (userId: string) =>
  (await room.users()).find((user) => user.userId === userId)?.connections;

test('[PR12] a socket whose end is noticed late gets no more grace than its silence leaves', async () => {
  await room.enter(alice, 'a1');
  await room.enter(bob, 'b1');
  room.pass(55);
  await room.heartbeat(bob, 'b1');
  await room.close(alice, 'a1');
  room.pass(5);
  expect((await room.visit()).leaves).toEqual([{ userId: alice, cause: 'disconnected' }]);
});

test('[DE1] a cursor is shown to the others while another tab of its user is in its grace', async () => {
  await room.enter(alice, 'a1');
  await room.enter(alice, 'a2');
  await room.enter(bob, 'b1');
  await room.close(alice, 'a2');
  expect((await room.cursor(alice, 'a1', 7))?.batch?.cursors).toMatchObject([
    { userId: alice, cursor: { position: 7 } },
  ]);
});

test('[PR9] a departure is dated when it came to be, however late it is found', async () => {
  await room.enter(alice, 'a1');
  const silent = room.now + room.timings.offlineAfterMillis;
  room.pass(90);
  expect((await room.visit()).departures).toMatchObject([{ userId: alice, cause: 'timeout', at: silent }]);
});

test('[PR2] after an eviction a returning connection is counted once', async () => {
  await room.enter(alice, 'a1');
  await room.enter(alice, 'a2');
  await redis.del(presenceKeys.connections(room.sessionId));
  await room.enter(alice, 'a1');
  await room.enter(alice, 'a2');
  expect(await connectionsOf(alice)).toBe(2);
});

test('[PR2] a count that an eviction made wrong is healed by the next visits', async () => {
  await room.enter(alice, 'a1');
  await room.enter(alice, 'a2');
  await room.close(alice, 'a2');
  await redis.del(presenceKeys.leaving(room.sessionId));
  room.pass(40);
  await room.heartbeat(alice, 'a1');
  await room.visit();
  expect(await connectionsOf(alice)).toBe(1);
});

test('[PR9] who goes after the list of users was evicted is still said to have left', async () => {
  await room.enter(alice, 'a1');
  await room.enter(bob, 'b1');
  await redis.del(presenceKeys.users(room.sessionId));
  await room.enter(bob, 'b1');
  await room.close(alice, 'a1', 3000);
  room.pass(3);
  expect((await room.visit()).leaves).toEqual([{ userId: alice, cause: 'disconnected' }]);
});
