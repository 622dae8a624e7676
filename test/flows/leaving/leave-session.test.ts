import { randomUUID } from 'node:crypto';
import type { Caller } from '../../../lambdas/flows/callers/caller.ts';
import { leaveSession } from '../../../lambdas/flows/leaving/leave-session.ts';
import { Overtaken } from '../../../lambdas/platform/turn.ts';
import { Unavailable } from '../../../lambdas/platform/unavailable.ts';

const registry = { leave: jest.fn(), members: jest.fn() };
const store = { isInDoubt: jest.fn(), depart: jest.fn() };
jest.mock('../../../lambdas/services/delivery.ts', () => ({ registry: () => registry }));
jest.mock('../../../lambdas/services/presence.ts', () => ({ presence: () => ({ store }) }));
jest.mock('../../../lambdas/flows/presence/announce.ts', () => ({ announce: jest.fn() }));
jest.mock('../../../lambdas/flows/journal/departures.ts', () => ({
  recordDeparture: jest.fn(),
  recordOrLeaveToSweep: jest.fn(),
}));
jest.mock('../../../lambdas/flows/frames/present-state.ts', () => ({ presentState: jest.fn() }));
jest.mock('../../../lambdas/flows/presence/recover-presence.ts', () => ({ bringBack: jest.fn() }));
jest.mock('../../../lambdas/flows/scheduling/sweep-waker.ts', () => ({ expectVisit: jest.fn() }));
jest.mock('../../../lambdas/flows/presence/visit-sessions.ts', () => ({ settleSession: jest.fn() }));
const { recordDeparture, recordOrLeaveToSweep } = jest.requireMock('../../../lambdas/flows/journal/departures.ts');
const { presentState } = jest.requireMock('../../../lambdas/flows/frames/present-state.ts');
const { bringBack } = jest.requireMock('../../../lambdas/flows/presence/recover-presence.ts');

const sessionId = randomUUID();
const person = { connectionId: 'c1', userId: randomUUID(), username: 'Ada' };
const caller: Caller = { ...person, scopes: [], ipAddress: null, userAgent: null };
const departure = { userId: person.userId, cause: 'left', at: 1, joinedAt: 0 };
const ended = { epoch: 'e', seq: 1, removed: true, departures: [departure] };
let order: string[];

beforeEach(() => {
  jest.resetAllMocks();
  order = [];
  registry.leave.mockImplementation(async () => {
    order.push('membership');
    return { version: 5, membership: { ...person, sessionId } };
  });
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
  expect(store.depart.mock.calls[0]).toEqual([
    { sessionId, userId: person.userId, connectionId: 'c1' },
    'left',
    expect.any(Number),
    5,
  ]);
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

test('[PR18] while Redis is away a leave ends nobody whose connection has joined again since', async () => {
  store.isInDoubt.mockRejectedValue(new Unavailable('redis', new Error('Redis is away.')));
  registry.members.mockResolvedValue([{ ...person, version: 6 }]);
  await leaveSession(caller, sessionId);
  expect(recordDeparture).not.toHaveBeenCalled();
  registry.members.mockResolvedValue([{ ...person, version: 4 }]);
  await leaveSession(caller, sessionId);
  expect(recordDeparture).toHaveBeenCalledTimes(1);
});

test('[PR18] a leave gives back the place of every join that came before the table took the leave', async () => {
  let written = 0;
  registry.leave.mockImplementation(async () => {
    await new Promise((resolve) => setTimeout(resolve, 5));
    written = Date.now();
    return { version: 5, membership: { ...person, sessionId } };
  });
  await leaveSession(caller, sessionId);
  expect(store.depart.mock.calls[0]![2]).toBeGreaterThanOrEqual(written);
});

describe('[PR18] a leave that meets other frames of its connection', () => {
  const state = { type: 'session_joined', session: { id: sessionId } };
  beforeEach(() => presentState.mockResolvedValue(state));

  test.each([
    { where: 'in the table', overtake: () => registry.leave.mockRejectedValue(new Overtaken()) },
    { where: 'in Redis', overtake: () => store.depart.mockRejectedValue(new Overtaken()) },
  ])('answers what is true where a later join was served before it $where', async ({ overtake }) => {
    overtake();
    expect(await leaveSession(caller, sessionId, { order: 1 })).toBe(state);
    expect(recordOrLeaveToSweep).not.toHaveBeenCalled();
  });

  test('has left where it was served before the join, if frames are numbered', async () => {
    registry.leave.mockResolvedValue({ version: 5, membership: undefined });
    expect(await leaveSession(caller, sessionId, { order: 1 })).toEqual({ type: 'session_left', sessionId });
    await expect(leaveSession(caller, sessionId, { receivedAt: 1 })).rejects.toMatchObject({ code: 'NOT_IN_SESSION' });
    expect(store.depart).not.toHaveBeenCalled();
  });
});
