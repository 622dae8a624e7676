import { randomUUID } from 'node:crypto';
import { seatConnection } from '../../lambdas/flows/seat-connection.ts';
import type { Caller } from '../../lambdas/runtime/caller.ts';

const registry = { join: jest.fn(), leave: jest.fn(), isCompact: jest.fn(), members: jest.fn() };
const presence = { store: { isKnown: jest.fn() }, enter: jest.fn() };
const sessions = { leaveSession: jest.fn() };
const activity = { logActivity: jest.fn() };

jest.mock('../../lambdas/runtime/delivery.ts', () => ({ registry: () => registry, broadcaster: jest.fn() }));
jest.mock('../../lambdas/runtime/presence.ts', () => ({ presence: () => presence, deadlines: jest.fn() }));
jest.mock('../../lambdas/runtime/sessions.ts', () => ({ sessions: () => sessions }));
jest.mock('../../lambdas/runtime/activity.ts', () => ({ activity: () => activity }));
jest.mock('../../lambdas/flows/announce.ts', () => ({ announce: jest.fn(async () => {}), send: jest.fn() }));
jest.mock('../../lambdas/flows/sweep-waker.ts', () => ({ expectVisit: jest.fn(async () => {}) }));

const { announce } = jest.requireMock('../../lambdas/flows/announce.ts');

const caller: Caller = {
  connectionId: 'c1',
  userId: randomUUID(),
  username: 'Ada',
  scopes: [],
  ipAddress: null,
  userAgent: null,
};
const session = { id: randomUUID(), sessionId: 'SESSION-20260101-TEST' };
const outcome = {
  epoch: 'e',
  seq: 1,
  users: [],
  leaves: [],
  joins: [],
  updates: [],
  receivers: [],
  parts: 1,
  first: true,
};

beforeEach(() => {
  jest.resetAllMocks();
  registry.join.mockResolvedValue(undefined);
  registry.leave.mockResolvedValue(undefined);
  registry.isCompact.mockResolvedValue(false);
  registry.members.mockResolvedValue([]);
  presence.store.isKnown.mockResolvedValue(true);
  presence.enter.mockResolvedValue(outcome);
  sessions.leaveSession.mockResolvedValue({ wasActive: true, durationSeconds: 0 });
  activity.logActivity.mockResolvedValue({ isNew: true });
  announce.mockResolvedValue(undefined);
});

const seat = (activated: boolean) => seatConnection(caller, { session, role: 'viewer', activated });

test('somebody who took a place is written down, seated and told of; the entry says their role', async () => {
  expect(await seat(true)).toMatchObject({ epoch: 'e', seq: 1, users: [] });
  expect(registry.join).toHaveBeenCalledWith(expect.objectContaining({ connectionId: 'c1', sessionId: session.id }));
  expect(announce).toHaveBeenCalledWith(session.id, outcome);
  expect(activity.logActivity.mock.calls[0]!.slice(0, 4)).toEqual([
    session.id,
    caller.userId,
    'user_joined',
    { role: 'viewer' },
  ]);
  expect(sessions.leaveSession).not.toHaveBeenCalled();
});

test('[PR2] a second tab takes no place and is not written into the audit trail', async () => {
  presence.enter.mockResolvedValue({ ...outcome, first: false });
  await seat(false);
  expect(activity.logActivity).not.toHaveBeenCalled();
});

test('[PR9] who comes back while their leave is still being written down is written down as come', async () => {
  await seat(false);
  expect(activity.logActivity.mock.calls[0]!.slice(1, 3)).toEqual([caller.userId, 'user_joined']);
});

test('[FA2] whom Redis forgot has not come anew', async () => {
  presence.store.isKnown.mockResolvedValue(false);
  await seat(false);
  expect(activity.logActivity).not.toHaveBeenCalled();
});

test.each([
  ['the connection cannot be written down', () => registry.join.mockRejectedValue(new Error('table away'))],
  ['the script has a bug', () => presence.enter.mockRejectedValue(new Error('bug'))],
  ['the audit trail fails', () => activity.logActivity.mockRejectedValue(new Error('away'))],
])('[FA6] where %s, the place is given back and the membership forgotten', async (_, fail) => {
  fail();
  await expect(seat(true)).rejects.toThrow();
  expect(registry.leave).toHaveBeenCalledWith('c1', session.id);
  expect(sessions.leaveSession).toHaveBeenCalledWith(session.id, caller.userId, 'disconnected');
});

test('[FA6] a second tab that fails takes no place from the first', async () => {
  presence.enter.mockRejectedValue(new Error('bug'));
  await expect(seat(false)).rejects.toThrow('bug');
  expect(registry.leave).toHaveBeenCalledWith('c1', session.id);
  expect(sessions.leaveSession).not.toHaveBeenCalled();
});

test('[FA6] what made it fail is told, also where cleaning up fails', async () => {
  presence.enter.mockRejectedValue(new Error('the reason'));
  registry.leave.mockRejectedValue(new Error('table away, too'));
  await expect(seat(false)).rejects.toThrow('the reason');
});
