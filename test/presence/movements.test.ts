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

test('[AC1] a join stays in the movement journal until it is recorded', async () => {
  const { arrival } = await enter(alice, 'a1', 'taken');
  expect(arrival).toMatchObject({ userId: alice, username: 'Name', role: 'viewer', at: room.now, certain: true });
  expect((await room.visit()).arrivals).toEqual([arrival]);
  expect((await room.visit()).departures).toEqual([]);
  await room.store.forget(room.sessionId, [arrival!]);
  expect((await room.visit()).arrivals).toEqual([]);
});

test('[PR2] a second connection and a join that is already recorded add nothing to the journal', async () => {
  await enter(alice, 'a1', 'taken');
  expect((await enter(alice, 'a2')).arrival).toBeUndefined();
  expect((await enter(bob, 'b1', 'written')).arrival).toBeUndefined();
});

test('[FA2] the join of a user who already holds a slot is certain only if their leave is in the journal', async () => {
  expect((await enter(alice, 'a1')).arrival).toMatchObject({ certain: false });
  await room.store.depart(room.seat(alice, 'a1'), 'left', room.now);
  expect((await enter(alice, 'a2')).arrival).toMatchObject({ certain: true });
});

test('[FA2] a join that took a slot after a rebuild seated its user has the time of the seat', async () => {
  const joinedAt = room.now - 10;
  const member = { userId: alice, connectionId: 'a1', username: 'Name', role: 'viewer' as const, joinedAt };
  await room.store.restore(room.sessionId, [member], room.now, { onlyIfLost: true });
  expect((await enter(alice, 'a1', 'taken')).arrival).toMatchObject({ at: joinedAt, certain: false });
  const { departures } = await room.store.depart(room.seat(alice, 'a1'), 'left', room.now);
  expect(departures).toMatchObject([{ userId: alice, joinedAt }]);
  expect(departures[0]).not.toHaveProperty('restored');
});

/** Alice's entry in the connection table. */
const member = () => ({
  ...{ userId: alice, connectionId: 'a1', username: 'Name', role: 'viewer' as const, joinedAt: room.now },
});
const isNewArrival = (arrival: Arrival | undefined, leave: Departure | undefined) =>
  arrival !== undefined && leave !== undefined && arrival.certain && arrival.at > leave.at;

/** Lets Alice time out; her leave is in the journal and not yet recorded. */
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
  '[PR9] [FA1] restoring a user whose timeout is in the journal adds a join after it (onlyIfLost: %s)',
  async (onlyIfLost) => {
    const { seat, leave } = await timedOut(false);
    if (onlyIfLost) await redis.hdel(presenceKeys.epoch(room.sessionId), 'epoch');
    await room.store.restore(room.sessionId, [seat], room.now, { onlyIfLost });
    const { arrivals, departures } = await room.visit();
    expect(departures).toEqual([leave]);
    expect(arrivals).toHaveLength(1);
    expect(isNewArrival(arrivals[0], leave)).toBe(true);
    // The new stay is an ordinary one, so its leave is not marked as restored.
    const [gone] = (await room.store.depart(room.seat(alice, 'a1'), 'left', room.now)).departures;
    expect(gone).toMatchObject({ joinedAt: arrivals[0]!.at });
    expect(gone).not.toHaveProperty('restored');
  },
);

test('[PR9] [FA2] restoring a user adds no second join if the journal has one after the leave', async () => {
  const { seat } = await timedOut(false);
  const { arrival } = await enter(alice, 'a1');
  await redis.del(presenceKeys.users(room.sessionId), presenceKeys.record(room.sessionId, alice));
  await room.store.restore(room.sessionId, [seat], room.now, { onlyIfLost: false });
  expect((await room.visit()).arrivals).toEqual([arrival]);
});

test('[PR9] [FA1] the next frame of a user who joined while Redis was away, was restored and timed out is a new join', async () => {
  const { leave } = await timedOut(true);
  const { arrival } = await enter(alice, 'a1', 'written');
  expect(isNewArrival(arrival, leave)).toBe(true);
});

test('[PR9] [SE9] a seat that the connection table does not have ends, and its leave is in the journal', async () => {
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
  // Without `joinedAt` the writer looks in the audit trail whether the leave is already recorded.
  expect(departures[0]).not.toHaveProperty('joinedAt');
});

test('[PR9] a leave after the record has expired says when the stay began, as long as the journal has the arrival', async () => {
  const { arrival } = await enter(alice, 'a1', 'taken');
  await redis.del(presenceKeys.record(room.sessionId, alice));
  const { departures } = await room.store.removeFromSession(room.sessionId, alice, 'session_expired', room.now);
  expect(departures).toMatchObject([{ userId: alice, joinedAt: arrival!.at }]);
});

test('[FA2] the leave of a user who was only restored is marked as restored', async () => {
  const member = { userId: alice, connectionId: 'a1', username: 'Name', role: 'viewer' as const, joinedAt: room.now };
  await room.store.restore(room.sessionId, [member], room.now, { onlyIfLost: true });
  const { departures } = await room.store.depart(room.seat(alice, 'a1'), 'left', room.now);
  expect(departures).toMatchObject([{ userId: alice, restored: true }]);
});

test('[PR9] a leave in a large session is in the journal at once, although it is announced with the window', async () => {
  for (const userId of crowd) await enter(userId, 'c1', 'taken');
  const [first, second] = crowd;
  await room.store.depart(room.seat(first!, 'c1'), 'left', room.now);
  const outcome = await room.store.depart(room.seat(second!, 'c1'), 'left', room.now);
  expect(outcome.leaves).toEqual([]);
  expect(outcome.departures).toMatchObject([{ userId: second, cause: 'left' }]);
  const removed = await room.store.removeFromSession(room.sessionId, crowd[2], 'removed', room.now);
  expect(removed.departures).toMatchObject([{ userId: crowd[2], cause: 'removed' }]);
});

test('[PR9] no leave is earlier than the last sign of life, whichever connection ends last', async () => {
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

test('[PR9] each movement of a user is later than the one before, even if the clocks of two environments differ', async () => {
  const { arrival } = await enter(alice, 'a1', 'taken');
  room.pass(-0.02);
  const [gone] = (await room.store.depart(room.seat(alice, 'a1'), 'left', room.now)).departures;
  expect(gone!.at).toBeGreaterThan(arrival!.at);
  expect((await enter(alice, 'a2', 'taken')).arrival!.at).toBeGreaterThan(gone!.at);
});
