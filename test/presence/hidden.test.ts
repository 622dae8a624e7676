import type { Redis } from 'ioredis';
import { PresenceFixture } from '../support/presence.ts';
import { connectRedis } from '../support/redis.ts';

const [alice, bob] = ['00000000-0000-4000-8000-00000000000a', '00000000-0000-4000-8000-00000000000b'];
let redis: Redis;
let room: PresenceFixture;

beforeAll(() => {
  redis = connectRedis();
});
afterAll(() => redis.quit());
beforeEach(async () => {
  room = new PresenceFixture(redis);
  await room.enter(bob, 'b1');
  await room.enter(alice, 'a1');
});

const hide = (connectionId = 'a1') =>
  room.store.touch(room.seat(alice, connectionId), { kind: 'heartbeat', hidden: true }, room.now);

/** Lets time pass while Bob sends heartbeats. */
async function pass(seconds: number): Promise<void> {
  for (let passed = 0; passed < seconds; passed += 30) {
    room.pass(Math.min(30, seconds - passed));
    await room.heartbeat(bob, 'b1');
  }
}

test('[PR17] a hidden connection times out after 150 s, and its user is away until then', async () => {
  expect((await hide())?.updates).toEqual([{ userId: alice, status: 'away' }]);
  await pass(149.999);
  expect((await room.visit()).leaves).toEqual([]);
  expect(await room.statusOf(alice)).toBe('away');
  await pass(0.001);
  expect((await room.visit()).leaves).toEqual([{ userId: alice, cause: 'timeout' }]);
});

test('[PR17] a tab that sends once a minute for ten minutes does not leave', async () => {
  for (let minute = 0; minute < 10; minute += 1) {
    await hide();
    await pass(61);
    const { leaves, nextDeadline } = await room.visit();
    expect(leaves).toEqual([]);
    // The next visit is in the future, so no sweep visits the session again without a reason.
    expect(nextDeadline).toBeGreaterThan(room.now);
  }
});

test('[PR17] [PR5] another tab in use keeps the user online, and the user is away when that tab leaves', async () => {
  await room.enter(alice, 'a2');
  expect((await hide())?.updates).toEqual([]);
  expect(await room.statusOf(alice)).toBe('online');
  const left = await room.store.depart(room.seat(alice, 'a2'), 'left', room.now);
  expect(left.updates).toEqual([{ userId: alice, connections: 1, status: 'away' }]);
});

test('[PR17] when the hidden tab leaves, the timeout of the other tab does not change', async () => {
  await room.enter(alice, 'a2');
  await hide();
  await room.store.depart(room.seat(alice, 'a1'), 'left', room.now);
  expect(await room.statusOf(alice)).toBe('online');
  await pass(59);
  expect((await room.visit()).leaves).toEqual([]);
  await pass(1);
  expect((await room.visit()).leaves).toMatchObject([{ userId: alice }]);
});

test.each([
  ['heartbeat', () => room.heartbeat(alice, 'a1')],
  ['cursor', () => room.cursor(alice, 'a1', 1)],
] as const)('[PR17] a connection is no longer hidden after a %s without that mark', async (_, act) => {
  await hide();
  expect((await act())?.updates).toEqual([{ userId: alice, status: 'online' }]);
  await pass(60);
  expect((await room.visit()).leaves).toMatchObject([{ userId: alice }]);
});

test.each([
  ['a frame that is only a sign of life', () => room.store.notice(room.seat(alice, 'a1'), room.now)],
  ['a request for a snapshot', () => room.store.list(room.sessionId, room.now, room.seat(alice, 'a1'))],
])('[PR17] %s does not restore the normal timeout of a hidden connection', async (_, act) => {
  await hide();
  room.pass(1);
  await act();
  await pass(100);
  expect((await room.visit()).leaves).toEqual([]);
  expect(await room.statusOf(alice)).toBe('away');
});

test('[PR17] [PR18] a frame that was sent before the hidden heartbeat and is served after it does not end it', async () => {
  const seat = room.seat(alice, 'a1');
  await room.store.touch(seat, { kind: 'heartbeat', hidden: true, turn: { order: 8 } }, room.now);
  await room.store.touch(seat, { kind: 'update', data: { page: 1 }, turn: { order: 7 } }, room.now);
  expect(await room.statusOf(alice)).toBe('away');
  await pass(149);
  expect((await room.visit()).leaves).toEqual([]);
});

test('[PR17] [PR18] a hidden heartbeat that was sent before a visible one and is served after it hides nothing', async () => {
  const seat = room.seat(alice, 'a1');
  await room.store.touch(seat, { kind: 'heartbeat', hidden: true, turn: { order: 6 } }, room.now);
  await room.store.touch(seat, { kind: 'heartbeat', turn: { order: 8 } }, room.now);
  await room.store.touch(seat, { kind: 'heartbeat', hidden: true, turn: { order: 7 } }, room.now);
  expect(await room.statusOf(alice)).toBe('online');
});

test('[PR17] [PR5] an invisible user stays invisible when their tab is hidden', async () => {
  await room.update(alice, 'a1', { status: 'offline' });
  await hide();
  expect(await room.statusOf(alice)).toBe('offline');
});
