import { randomUUID } from 'node:crypto';
import { leaveSession } from '../../lambdas/flows/leave-session.ts';
import { Unavailable } from '../../lambdas/platform/unavailable.ts';
import type { Caller } from '../../lambdas/runtime/caller.ts';
import { RollcallError } from '../../protocol/errors.ts';

const registry = { lastFrame: jest.fn(), leave: jest.fn(), memberships: jest.fn(), members: jest.fn() };
const sessions = { resolveSessionId: jest.fn() };
const store = { isInDoubt: jest.fn(), depart: jest.fn() };
jest.mock('../../lambdas/runtime/delivery.ts', () => ({ registry: () => registry }));
jest.mock('../../lambdas/runtime/presence.ts', () => ({ presence: () => ({ store }) }));
jest.mock('../../lambdas/runtime/registry.ts', () => ({ registry: () => registry }));
jest.mock('../../lambdas/runtime/sessions.ts', () => ({ sessions: () => sessions }));
jest.mock('../../lambdas/flows/announce.ts', () => ({ announce: jest.fn() }));
jest.mock('../../lambdas/flows/departures.ts', () => ({ recordDeparture: jest.fn(), recordOrLeaveToSweep: jest.fn() }));
jest.mock('../../lambdas/flows/recover-presence.ts', () => ({ bringBack: jest.fn() }));
jest.mock('../../lambdas/flows/sweep-waker.ts', () => ({ expectVisit: jest.fn() }));
jest.mock('../../lambdas/flows/visit-sessions.ts', () => ({ settleSession: jest.fn() }));
const { recordDeparture, recordOrLeaveToSweep } = jest.requireMock('../../lambdas/flows/departures.ts');
const { bringBack } = jest.requireMock('../../lambdas/flows/recover-presence.ts');

const sessionId = randomUUID();
const person = { connectionId: 'c1', userId: randomUUID(), username: 'Ada' };
const caller: Caller = { ...person, scopes: [], ipAddress: null, userAgent: null };
const departure = { userId: person.userId, cause: 'left', at: 1, joinedAt: 0 };
const ended = { epoch: 'e', seq: 1, removed: true, departures: [departure] };
let order: string[];

beforeEach(() => {
  jest.resetAllMocks();
  order = [];
  registry.lastFrame.mockResolvedValue({ ...person, sessionId });
  registry.leave.mockImplementation(async () => {
    order.push('membership');
    return true;
  });
  registry.memberships.mockResolvedValue([]);
  registry.members.mockResolvedValue([]);
  store.isInDoubt.mockResolvedValue(false);
  store.depart.mockImplementation(async () => {
    order.push('seat');
    return ended;
  });
  bringBack.mockImplementation(async () => void order.push('brought back'));
});

test('[PR7] the membership goes before the seat, and the leave is written down', async () => {
  expect(await leaveSession(caller, sessionId)).toEqual({ type: 'session_left', sessionId });
  expect(order).toEqual(['membership', 'seat']);
  expect(recordOrLeaveToSweep.mock.calls[0]!.slice(0, 2)).toEqual([sessionId, departure]);
});

test('[FA1] just after Redis was away the session is brought back first: another tab may have joined meanwhile', async () => {
  store.isInDoubt.mockResolvedValue(true);
  await leaveSession(caller, sessionId);
  expect(order).toEqual(['membership', 'brought back', 'seat']);
});

test.each([
  { others: [], written: 1, whose: 'the last one' },
  { others: [{ ...person, connectionId: 'c2' }], written: 0, whose: 'one of two' },
])('[FA1] while Redis is away the connection table tells whether it was $whose', async ({ others, written }) => {
  store.isInDoubt.mockRejectedValue(new Unavailable('redis', new Error('Redis is away.')));
  registry.members.mockResolvedValue([{ ...person }, ...others]);
  await leaveSession(caller, sessionId);
  expect(recordDeparture).toHaveBeenCalledTimes(written);
  expect(store.depart).not.toHaveBeenCalled();
});

describe('[PR18] joins and leaves that overtake each other', () => {
  test('a leave that a later join has overtaken changes nothing', async () => {
    registry.leave.mockResolvedValue(false);
    expect(await leaveSession({ ...caller, receivedAt: 5 }, sessionId, 1)).toBeUndefined();
    expect(registry.leave).toHaveBeenCalledWith('c1', sessionId, { receivedAt: 5, order: 1 });
    expect(store.depart).not.toHaveBeenCalled();
  });

  test('a numbered leave is kept for a join that is still under way', async () => {
    registry.lastFrame.mockResolvedValue(undefined);
    expect(await leaveSession({ ...caller, receivedAt: 5 }, sessionId, 2)).toEqual({ type: 'session_left', sessionId });
    expect(registry.leave).toHaveBeenCalledWith('c1', sessionId, { receivedAt: 5, order: 2 });
    expect(store.depart).not.toHaveBeenCalled();
  });

  test('a leave without a number is kept, too, and told that there is no join yet', async () => {
    registry.lastFrame.mockResolvedValue(undefined);
    await expect(leaveSession({ ...caller, receivedAt: 5 }, sessionId)).rejects.toMatchObject({
      code: 'NOT_IN_SESSION',
    });
    expect(registry.leave).toHaveBeenCalledWith('c1', sessionId, { receivedAt: 5 });
  });

  test('a leave may name a session by a name that the connection has not joined yet', async () => {
    registry.lastFrame.mockResolvedValue(undefined);
    sessions.resolveSessionId.mockResolvedValue(sessionId);
    expect(await leaveSession(caller, 'SESSION-20261128-ABCD', 2)).toEqual({ type: 'session_left', sessionId });
  });

  test('nobody learns from a leave whether a session has that name', async () => {
    sessions.resolveSessionId.mockRejectedValue(new RollcallError('SESSION_NOT_FOUND', 'There is no such session.'));
    await expect(leaveSession(caller, 'SESSION-20261128-NONE', 2)).rejects.toMatchObject({ code: 'NOT_IN_SESSION' });
    expect(registry.leave).not.toHaveBeenCalled();
  });
});
