import type { Redis } from 'ioredis';
import { PresenceFixture } from '../support/presence.ts';
import { connectRedis } from '../support/redis.ts';

const [alice, bob] = ['00000000-0000-4000-8000-00000000000a', '00000000-0000-4000-8000-00000000000b'];
/** Above fifty members a diff waits for the window. */
const crowd = Array.from({ length: 60 }, (_, n) => `00000000-0000-4000-9000-${String(n).padStart(12, '0')}`);

let redis: Redis;
let room: PresenceFixture;

beforeAll(() => {
  redis = connectRedis();
});
afterAll(() => redis.quit());
beforeEach(() => {
  room = new PresenceFixture(redis);
});

const enter = (userId: string, connectionId: string, place?: 'taken' | 'written') =>
  room.store.enter(room.seat(userId, connectionId), { username: 'Name', role: 'viewer', place }, room.now);

test('[AC1] a coming is kept for the sweep until it is written down', async () => {
  const { arrival } = await enter(alice, 'a1', 'taken');
  expect(arrival).toMatchObject({ userId: alice, username: 'Name', role: 'viewer', at: room.now, certain: true });
  expect((await room.visit()).arrivals).toEqual([arrival]);
  expect((await room.visit()).departures).toEqual([]);
  await room.store.forget(room.sessionId, [arrival!]);
  expect((await room.visit()).arrivals).toEqual([]);
});

test('[PR2] a second connection, and a coming that is written down already, leave nothing to be written', async () => {
  await enter(alice, 'a1', 'taken');
  expect((await enter(alice, 'a2')).arrival).toBeUndefined();
  expect((await enter(bob, 'b1', 'written')).arrival).toBeUndefined();
});

test('[FA2] who holds a place already has come for certain only where their leave is still to be written down', async () => {
  expect((await enter(alice, 'a1')).arrival).toMatchObject({ certain: false });
  await room.store.depart(room.seat(alice, 'a1'), 'left', room.now);
  expect((await enter(alice, 'a2')).arrival).toMatchObject({ certain: true });
});

test('[FA2] who was seated by a rebuilding and then comes for a place they took has come, as of the same moment', async () => {
  const joinedAt = room.now - 10;
  const member = { userId: alice, connectionId: 'a1', username: 'Name', role: 'viewer' as const, joinedAt };
  await room.store.restore(room.sessionId, [member], room.now, { onlyIfLost: true });
  expect((await enter(alice, 'a1', 'taken')).arrival).toMatchObject({ at: joinedAt, certain: false });
  const { departures } = await room.store.depart(room.seat(alice, 'a1'), 'left', room.now);
  expect(departures).toMatchObject([{ userId: alice, joinedAt }]);
  expect(departures[0]).not.toHaveProperty('restored');
});

test('[FA2] the end of a stay that was only restored says so', async () => {
  const member = { userId: alice, connectionId: 'a1', username: 'Name', role: 'viewer' as const, joinedAt: room.now };
  await room.store.restore(room.sessionId, [member], room.now, { onlyIfLost: true });
  const { departures } = await room.store.depart(room.seat(alice, 'a1'), 'left', room.now);
  expect(departures).toMatchObject([{ userId: alice, restored: true }]);
});

test('[PR9] whoever leaves a large room gets their departure at once, although it is told with the window', async () => {
  for (const userId of crowd) await enter(userId, 'c1', 'taken');
  const [first, second] = crowd;
  await room.store.depart(room.seat(first!, 'c1'), 'left', room.now);
  const outcome = await room.store.depart(room.seat(second!, 'c1'), 'left', room.now);
  expect(outcome.leaves).toEqual([]);
  expect(outcome.departures).toMatchObject([{ userId: second, cause: 'left' }]);
  const removed = await room.store.evict(room.sessionId, crowd[2], 'removed', room.now);
  expect(removed.departures).toMatchObject([{ userId: crowd[2], cause: 'removed' }]);
});

test('[PR9] nobody is gone before their last sign of life, whichever of their connections ends last', async () => {
  await enter(alice, 'silent', 'taken');
  room.pass(30);
  await enter(alice, 'heard');
  const heardAt = room.now;
  await room.store.depart(room.seat(alice, 'heard'), 'left', room.now);
  room.pass(-25);
  await room.close(alice, 'silent', 0);
  const [gone] = (await room.visit()).departures;
  expect(gone!.at).toBeGreaterThanOrEqual(heardAt);
});

test('[PR9] comings and goings of a person follow one another, however far the clocks of two environments are apart', async () => {
  const { arrival } = await enter(alice, 'a1', 'taken');
  room.pass(-0.02);
  const [gone] = (await room.store.depart(room.seat(alice, 'a1'), 'left', room.now)).departures;
  expect(gone!.at).toBeGreaterThan(arrival!.at);
  expect((await enter(alice, 'a2', 'taken')).arrival!.at).toBeGreaterThan(gone!.at);
});
