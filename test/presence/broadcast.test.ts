import type { Redis } from 'ioredis';
import { limits } from '../../protocol/limits.ts';
import { PresenceFixture } from '../support/presence.ts';
import { connectRedis } from '../support/redis.ts';

const [alice, bob, carol] = [
  '00000000-0000-4000-8000-00000000000a',
  '00000000-0000-4000-8000-00000000000b',
  '00000000-0000-4000-8000-00000000000c',
];
let redis: Redis;
let room: PresenceFixture;

beforeAll(() => {
  redis = connectRedis();
});
afterAll(() => redis.quit());
beforeEach(async () => {
  room = new PresenceFixture(redis);
  await room.enter(alice, 'a1', 'commenter');
  await room.enter(alice, 'a2', 'commenter');
  await room.enter(bob, 'b1');
  await room.enter(bob, 'b2');
  await room.enter(carol, 'c1');
});

async function reached(to?: string[], from = room.seat(alice, 'a1')) {
  const addressed = await room.store.address(from, to, room.now);
  return addressed?.receivers.map(({ connectionId }) => connectionId).sort();
}

test('[DE11] a broadcast reaches all connections of all other users, or of the named users', async () => {
  expect(await reached()).toEqual(['b1', 'b2', 'c1']);
  expect(await reached([bob])).toEqual(['b1', 'b2']);
  expect(await reached([bob, bob, 'nobody'])).toEqual(['b1', 'b2']);
  expect(await reached([alice])).toEqual(['a2']);
  expect(await reached([])).toEqual([]);
});

test('[DE11] [SE8] a viewer may not broadcast, and a changed role counts from the next message', async () => {
  expect(await room.store.address(room.seat(bob, 'b1'), undefined, room.now)).toEqual({
    isPermitted: false,
    receivers: [],
  });
  await room.store.changeRole(room.sessionId, bob, 'commenter', room.now);
  expect(await reached(undefined, room.seat(bob, 'b1'))).toEqual(['a1', 'a2', 'c1']);
  await room.store.changeRole(room.sessionId, bob, 'viewer', room.now);
  expect(await room.store.address(room.seat(bob, 'b1'), undefined, room.now)).toMatchObject({ isPermitted: false });
});

test('[DE11] [SE12] the role by an access claim decides instead of the user’s role', async () => {
  const asked = (userId: string, connectionId: string, claimedRole: 'viewer' | 'commenter') =>
    room.store.address(room.seat(userId, connectionId), undefined, room.now, claimedRole);
  expect(await asked(alice, 'a1', 'viewer')).toEqual({ isPermitted: false, receivers: [] });
  expect(await asked(bob, 'b1', 'commenter')).toMatchObject({ isPermitted: true, receivers: { length: 3 } });
});

test('[DE11] [PR1] a broadcast is a sign of life, counts against the rate limit, and needs a seat', async () => {
  room.pass(50);
  await reached();
  room.pass(50);
  await room.visit();
  expect((await room.users()).map(({ userId }) => userId)).toEqual([alice]);
  expect(await reached(undefined, room.seat(carol, 'c1'))).toBeUndefined();
  for (let count = 0; count < limits.messageBurst; count += 1) await reached();
  await expect(reached()).rejects.toMatchObject({ code: 'RATE_LIMITED' });
});
