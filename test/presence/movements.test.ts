import type { Redis } from 'ioredis';
import { presenceKeys } from '../../lambdas/presence/keys.ts';
import type { Arrival, Departure } from '../../lambdas/presence/outcome.ts';
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

const enter = (userId: string, connectionId: string, arrivalState?: 'taken' | 'written') =>
  room.store.enter(room.seat(userId, connectionId), { username: 'Name', role: 'viewer', arrivalState }, room.now);

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

test('[FA2] who holds a slot already has come for certain only where their leave is still to be written down', async () => {
  expect((await enter(alice, 'a1')).arrival).toMatchObject({ certain: false });
  await room.store.depart(room.seat(alice, 'a1'), 'left', room.now);
  expect((await enter(alice, 'a2')).arrival).toMatchObject({ certain: true });
});

test('[FA2] who was seated by a rebuilding and then comes for a slot they took has come, as of the same moment', async () => {
  const joinedAt = room.now - 10;
  const member = { userId: alice, connectionId: 'a1', username: 'Name', role: 'viewer' as const, joinedAt };
  await room.store.restore(room.sessionId, [member], room.now, { onlyIfLost: true });
  expect((await enter(alice, 'a1', 'taken')).arrival).toMatchObject({ at: joinedAt, certain: false });
  const { departures } = await room.store.depart(room.seat(alice, 'a1'), 'left', room.now);
  expect(departures).toMatchObject([{ userId: alice, joinedAt }]);
  expect(departures[0]).not.toHaveProperty('restored');
});

/** Alice by the connection table, with a seat that Redis takes for silent. */
const member = () => ({
  ...{ userId: alice, connectionId: 'a1', username: 'Name', role: 'viewer' as const, joinedAt: room.now },
});
const isNewArrival = (arrival: Arrival | undefined, leave: Departure | undefined) =>
  arrival !== undefined && leave !== undefined && arrival.certain && arrival.at > leave.at;

/** Alice timed out, and no visit has written that down yet. */
async function timedOut(restored: boolean) {
  const seat = member();
  if (restored) await room.store.restore(room.sessionId, [seat], room.now, { onlyIfLost: false });
  else await room.store.forget(room.sessionId, [(await enter(alice, 'a1', 'taken')).arrival!]);
  room.pass(61);
  const { departures } = await room.visit();
  expect(departures).toMatchObject([{ userId: alice, cause: 'timeout' }]);
  return { seat, leave: departures[0]! };
}

test.each([[true], [false]])(
  '[PR9] [FA1] whoever is restored while their time-out waits to be written has come again (onlyIfLost: %s)',
  async (onlyIfLost) => {
    const { seat, leave } = await timedOut(false);
    if (onlyIfLost) await redis.hdel(presenceKeys.epoch(room.sessionId), 'epoch');
    await room.store.restore(room.sessionId, [seat], room.now, { onlyIfLost });
    const { arrivals, departures } = await room.visit();
    expect(departures).toEqual([leave]);
    expect(arrivals).toHaveLength(1);
    expect(isNewArrival(arrivals[0], leave)).toBe(true);
    // The new stay is like any other: its end is no end of a restored stay.
    const [gone] = (await room.store.depart(room.seat(alice, 'a1'), 'left', room.now)).departures;
    expect(gone).toMatchObject({ joinedAt: arrivals[0]!.at });
    expect(gone).not.toHaveProperty('restored');
  },
);

test('[PR9] [FA2] a restoration adds no second coming where the list has one after the leave', async () => {
  const { seat } = await timedOut(false);
  const { arrival } = await enter(alice, 'a1');
  await redis.del(presenceKeys.users(room.sessionId), presenceKeys.record(room.sessionId, alice));
  await room.store.restore(room.sessionId, [seat], room.now, { onlyIfLost: false });
  expect((await room.visit()).arrivals).toEqual([arrival]);
});

test('[PR9] [FA1] whoever joined while Redis was away, was restored and timed out has come again with the next frame', async () => {
  const { leave } = await timedOut(true);
  const { arrival } = await enter(alice, 'a1', 'written');
  expect(isNewArrival(arrival, leave)).toBe(true);
});

test('[PR9] [SE9] the leave of a silent seat that the connection table does not know is kept to be written down', async () => {
  const { arrival } = await enter(alice, 'a1', 'taken');
  await enter(bob, 'b1', 'taken');
  room.pass(10);
  await room.heartbeat(bob, 'b1');
  await room.store.restore(room.sessionId, [{ ...member(), userId: bob, connectionId: 'b1' }], room.now, {
    onlyIfLost: false,
  });
  const { arrivals, departures } = await room.visit();
  expect(arrivals).toContainEqual(arrival);
  expect(departures).toMatchObject([{ userId: alice, cause: 'left', at: room.now }]);
  // Nobody saw this end: the audit trail is asked whether it has one already.
  expect(departures[0]).not.toHaveProperty('joinedAt');
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
  const removed = await room.store.removeFromSession(room.sessionId, crowd[2], 'removed', room.now);
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
