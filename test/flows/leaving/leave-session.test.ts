import { randomUUID } from 'node:crypto';
import type { Caller } from '../../../lambdas/flows/callers/caller.ts';
import { leaveSession } from '../../../lambdas/flows/leaving/leave-session.ts';
import { Unavailable } from '../../../lambdas/platform/unavailable.ts';

const registry = { membership: jest.fn(), leave: jest.fn(), members: jest.fn() };
const store = { isInDoubt: jest.fn(), depart: jest.fn() };
jest.mock('../../../lambdas/services/delivery.ts', () => ({ registry: () => registry }));
jest.mock('../../../lambdas/services/presence.ts', () => ({ presence: () => ({ store }) }));
jest.mock('../../../lambdas/flows/presence/announce.ts', () => ({ announce: jest.fn() }));
jest.mock('../../../lambdas/flows/journal/departures.ts', () => ({
  recordDeparture: jest.fn(),
  recordOrLeaveToSweep: jest.fn(),
}));
jest.mock('../../../lambdas/flows/presence/recover-presence.ts', () => ({ bringBack: jest.fn() }));
jest.mock('../../../lambdas/flows/scheduling/sweep-waker.ts', () => ({ expectVisit: jest.fn() }));
jest.mock('../../../lambdas/flows/presence/visit-sessions.ts', () => ({ settleSession: jest.fn() }));
const { recordDeparture, recordOrLeaveToSweep } = jest.requireMock('../../../lambdas/flows/journal/departures.ts');
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
  registry.membership.mockResolvedValue({ ...person, sessionId });
  registry.leave.mockImplementation(async () => void order.push('membership'));
  registry.members.mockResolvedValue([]);
  store.isInDoubt.mockResolvedValue(false);
  store.depart.mockImplementation(async () => {
    order.push('seat');
    return ended;
  });
  bringBack.mockImplementation(async () => void order.push('brought back'));
});

test('[PR7] the membership goes before the seat, and the leave is written down', async () => {
  expect(await leaveSession(caller, sessionId)).toBe(sessionId);
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
