import { randomUUID } from 'node:crypto';
import type { APIGatewayProxyWebsocketEventV2 } from 'aws-lambda';
import { endConnection } from '../../../lambdas/flows/connections/end-connection.ts';
import { disconnect } from '../../../lambdas/handlers/disconnect.ts';
import { timings } from '../../../lambdas/platform/timings.ts';
import { Unavailable } from '../../../lambdas/platform/unavailable.ts';
import { testServices } from '../../support/test-services.ts';

const registry = { remove: jest.fn(), removeGone: jest.fn(), ending: jest.fn(), members: jest.fn() };
const store = { close: jest.fn(), isKnown: jest.fn(), restore: jest.fn() };
const sessions = { getParticipants: jest.fn() };
const deadlines = { schedule: jest.fn(async () => true) };
const services = testServices({ registry, presence: { store }, sessions, deadlines });

const joined = [randomUUID(), randomUUID()].map((sessionId) => ({ sessionId, userId: 'u1', connectionId: 'c1' }));

/** The sessions of which a visit was scheduled, with their times. */
const scheduled = () => deadlines.schedule.mock.calls as unknown[][];

beforeEach(() => {
  jest.clearAllMocks();
  const ended = { memberships: [], gone: [] };
  registry.ending
    .mockReset()
    .mockResolvedValueOnce({ ...ended, memberships: joined })
    .mockResolvedValue(ended);
  registry.remove.mockReset().mockResolvedValue([]);
  store.isKnown.mockReset().mockResolvedValue(true);
  store.close.mockReset().mockResolvedValue(true);
  store.restore.mockReset().mockResolvedValue(undefined);
});

test('[PR7] each seat of the connection gets its grace, and a visit is scheduled for its end', async () => {
  const before = Date.now();
  await endConnection(services, 'c1', 'disconnected', 15_000);
  expect(store.close.mock.calls.map(([seat]) => seat)).toEqual(joined);
  expect(registry.remove.mock.calls).toEqual([['c1']]);
  for (const [, deadline, cause, now] of store.close.mock.calls) {
    expect(deadline - now).toBe(15_000);
    expect(now).toBeGreaterThanOrEqual(before);
    expect(cause).toBe('disconnected');
  }
  expect(scheduled()).toEqual(joined.map(({ sessionId }, index) => [sessionId, store.close.mock.calls[index]![1]]));
});

test('[FA5] a repeated event, or one of a connection without memberships, does nothing', async () => {
  await endConnection(services, 'c1', 'disconnected', 15_000);
  await endConnection(services, 'c1', 'disconnected', 15_000);
  expect(store.close).toHaveBeenCalledTimes(joined.length);
});

test('[PR8] no visit is scheduled for a seat that Redis no longer has', async () => {
  store.close.mockResolvedValue(false);
  await endConnection(services, 'c1', 'disconnected', 15_000);
  expect(deadlines.schedule).not.toHaveBeenCalled();
});

test('[FA2][PR7] a seat that another frame restored meanwhile gets its grace', async () => {
  store.close.mockResolvedValueOnce(false).mockResolvedValueOnce(false);
  await endConnection(services, 'c1', 'disconnected', 15_000);
  expect(scheduled().map(([sessionId]) => sessionId)).toEqual(joined.map(({ sessionId }) => sessionId));
});

describe('[PR7] [DE6] a socket that a post found gone', () => {
  test('keeps its seats for its $disconnect event', async () => {
    await endConnection(services, 'c1', 'gone', 15_000);
    expect(store.close.mock.calls.map(([seat]) => seat)).toEqual(joined);
    expect(registry.removeGone.mock.calls).toEqual([['c1', expect.any(Number)]]);
    expect(registry.remove).not.toHaveBeenCalled();
  });

  test('gets the shorter grace of that event, and a visit at its end', async () => {
    registry.ending.mockReset().mockResolvedValue({ memberships: [], gone: joined });
    await endConnection(services, 'c1', 'disconnected', 3000);
    expect(store.close.mock.calls.map(([seat, , cause]) => [seat, cause])).toEqual(
      joined.map((seat) => [seat, 'disconnected']),
    );
    expect(scheduled()).toEqual(joined.map(({ sessionId }, index) => [sessionId, store.close.mock.calls[index]![1]]));
    expect(registry.remove.mock.calls).toEqual([['c1']]);
  });

  test('is not visited, and its session is not restored, if the user is back or has left', async () => {
    registry.ending.mockReset().mockResolvedValue({ memberships: [], gone: joined });
    store.close.mockResolvedValue(false);
    store.isKnown.mockResolvedValue(false);
    await endConnection(services, 'c1', 'disconnected', 3000);
    expect([deadlines.schedule, store.restore].map(({ mock }) => mock.calls)).toEqual([[], []]);
  });

  test('is ended once, although several posts find it gone', async () => {
    registry.ending.mockReset().mockResolvedValue({ memberships: [], gone: joined });
    await endConnection(services, 'c1', 'gone', 15_000);
    expect(store.close).not.toHaveBeenCalled();
  });
});

describe('[FA2][PR11] if Redis lost the session, the end of a connection', () => {
  const sessionId = randomUUID();
  const person = (userId: string, connectionId: string) => ({ sessionId, userId, connectionId });
  const [own, other, timedOut] = [person('u1', 'c1'), person('u2', 'c2'), person('u3', 'c3')];

  beforeEach(() => {
    registry.ending.mockReset().mockResolvedValue({ memberships: [own], gone: [] });
    // The index of the table is eventually consistent: it may still show a connection, or not show it yet.
    registry.members.mockResolvedValue([own, other, timedOut]);
    store.isKnown.mockResolvedValue(false);
    store.close.mockResolvedValueOnce(false);
  });
  const slotsOf = (...people: string[]) =>
    sessions.getParticipants.mockResolvedValue(people.map((userId) => ({ userId, anonymousId: null })));
  const seated = () => store.restore.mock.calls.map(([, members]) => members);

  test('restores the seat of a user who holds a slot, once, and starts its grace', async () => {
    slotsOf('u1', 'u2');
    await endConnection(services, 'c1', 'disconnected', 15_000);
    expect(seated()).toEqual([[own, other]]);
    expect(store.restore.mock.calls[0]![3]).toMatchObject({ onlyIfLost: true });
    expect(deadlines.schedule).toHaveBeenLastCalledWith(sessionId, store.close.mock.calls.at(-1)![1]);
  });

  test('restores no seat of a user without a slot, because their leave was already announced', async () => {
    slotsOf('u2');
    await endConnection(services, 'c1', 'disconnected', 15_000);
    expect(seated()).toEqual([[other]]);
  });

  test('restores the seat of a guest by their anonymous id', async () => {
    sessions.getParticipants.mockResolvedValue([{ userId: null, anonymousId: 'u1' }]);
    await endConnection(services, 'c1', 'disconnected', 15_000);
    expect(seated()).toEqual([[own]]);
  });

  test('[FA3] restores all connected users while PostgreSQL cannot say who holds a slot', async () => {
    sessions.getParticipants.mockRejectedValue(new Unavailable('database', new Error('PostgreSQL is away.')));
    await endConnection(services, 'c1', 'disconnected', 15_000);
    expect(seated()).toEqual([[own, other, timedOut]]);
  });
});

test.each([
  [1000, timings.cleanCloseGraceMillis],
  [1001, timings.cleanCloseGraceMillis],
  [1005, timings.cleanCloseGraceMillis],
  [1006, timings.graceMillis],
  [1011, timings.graceMillis],
  [undefined, timings.graceMillis],
])('[PR7] after close code %s the grace is %i ms', async (disconnectStatusCode, graceMillis) => {
  const requestContext = { connectionId: 'c1', disconnectStatusCode };
  await disconnect(services, { requestContext } as unknown as APIGatewayProxyWebsocketEventV2);
  const [, deadline, , now] = store.close.mock.calls[0]!;
  expect(deadline - now).toBe(graceMillis);
});

test('[PR7] the grace is three seconds after a clean close and fifteen seconds after a broken socket', () => {
  expect([timings.cleanCloseGraceMillis, timings.graceMillis]).toEqual([3000, 15_000]);
});
