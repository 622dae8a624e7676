import { randomUUID } from 'node:crypto';
import type { Caller } from '../../../lambdas/flows/callers/caller.ts';
import { returnToSession } from '../../../lambdas/flows/seating/return-to-session.ts';
import { Overtaken } from '../../../lambdas/platform/turn.ts';
import { Unavailable } from '../../../lambdas/platform/unavailable.ts';
import { RollcallError } from '../../../protocol/errors.ts';
import { trailOneByOne } from '../../support/one-by-one.ts';
import { testServices } from '../../support/test-services.ts';

const registry = {
  ...{ membership: jest.fn(), members: jest.fn(), takeBack: jest.fn(), isCompact: jest.fn() },
  ...{ join: jest.fn(), amend: jest.fn(), connectionsOf: jest.fn() },
};
const store = { isKnown: jest.fn(), isPresent: jest.fn(), restore: jest.fn(), depart: jest.fn() };
const enter = jest.fn();
const sessions = { joinSession: jest.fn(), leaveSession: jest.fn(), getParticipants: jest.fn(), getStay: jest.fn() };
const deadlines = { schedule: jest.fn() };
const activity = { logActivity: jest.fn(), lastMovement: jest.fn() };
const broadcast = jest.fn();
const services = testServices({
  ...{ registry, presence: { store, enter }, sessions, deadlines, messenger: { broadcast } },
  activity: trailOneByOne(activity),
});

const sessionId = randomUUID();
const person = { connectionId: 'c1', userId: randomUUID(), username: 'Ada' };
const caller: Caller = { ...person, scopes: [], ipAddress: null, userAgent: null };
const membership = {
  ...{ ...person, sessionId, sessionName: 'SESSION-20260101-TEST' },
  ...{ role: 'commenter', joinedAt: 1, version: 2 },
};
const session = { id: sessionId, sessionId: 'SESSION-20260101-TEST', ownerId: 'u9', lastActiveAt: 5 };
const away = new Unavailable('database', new Error('PostgreSQL is away.'));
/** The outcome of a seat without receivers, whose join is already recorded. */
const entered = {
  ...{ epoch: 'e', seq: 1, parts: 1, joins: [], updates: [], leaves: [], receivers: [] },
  ...{ users: [], first: true, arrival: undefined },
};

beforeEach(() => {
  jest.resetAllMocks();
  registry.membership.mockResolvedValue(membership);
  registry.members.mockResolvedValue([]);
  registry.isCompact.mockResolvedValue(false);
  registry.amend.mockResolvedValue(true);
  registry.connectionsOf.mockResolvedValue(['c9']);
  store.isKnown.mockResolvedValue(true);
  store.isPresent.mockResolvedValue(true);
  enter.mockResolvedValue(entered);
  deadlines.schedule.mockResolvedValue(true);
  sessions.joinSession.mockResolvedValue({ session, role: 'viewer', activated: true, revived: false });
  sessions.getStay.mockResolvedValue({ role: 'viewer', leftCause: null });
});

/** The arguments of the seats. */
const seated = () => enter.mock.calls.map(([, , acting]) => acting);

test('[PR11] a user who timed out takes a slot and a seat again, with their present role', async () => {
  await returnToSession(services, caller, sessionId);
  expect(enter.mock.calls[0]!.slice(0, 2)).toEqual([sessionId, person.userId]);
  expect(seated()).toMatchObject([{ connectionId: 'c1', role: 'viewer', arrivalState: 'taken', version: 2 }]);
  // The user keeps the membership.
  expect(registry.join).not.toHaveBeenCalled();
  expect(registry.amend.mock.calls).toEqual([[membership, expect.objectContaining({ role: 'viewer' })]]);
  expect(broadcast).not.toHaveBeenCalled();
});

test.each([
  {
    activated: false,
    arrivalState: 'written',
    why: 'a join that was recorded while Redis was away is not recorded again',
  },
  { activated: true, arrivalState: 'taken', why: 'a user who has lost the slot since has a new join' },
])('[PR9] $why', async ({ activated, arrivalState }) => {
  registry.membership.mockResolvedValue({ ...membership, unseated: true });
  sessions.joinSession.mockResolvedValue({ session, role: 'viewer', activated, revived: false });
  await returnToSession(services, caller, sessionId);
  expect(seated()).toMatchObject([{ arrivalState }]);
});

test('[FA2] a session that Redis lost is rebuilt first', async () => {
  const other = { ...membership, connectionId: 'c2', userId: 'u2' };
  registry.members.mockResolvedValue([other]);
  sessions.getParticipants.mockResolvedValue([{ userId: 'u2', anonymousId: null }]);
  store.isKnown.mockResolvedValueOnce(false);
  await returnToSession(services, caller, sessionId);
  expect(store.restore.mock.calls).toEqual([[sessionId, [other], expect.any(Number), { onlyIfLost: true }]]);
  const [restored, joined] = [store.restore, sessions.joinSession].map((mock) => mock.mock.invocationCallOrder[0]!);
  expect(restored).toBeLessThan(joined!);
});

test('[FA3] while PostgreSQL is away, a user gets a seat with the role and settings of the connection table', async () => {
  const remembered = { cursorRole: 'operator', unseated: true, invisible: true };
  registry.membership.mockResolvedValue({ ...membership, ...remembered });
  sessions.joinSession.mockRejectedValue(away);
  await returnToSession(services, caller, sessionId);
  const { sessionName } = membership;
  const known = { role: 'commenter', cursorRole: 'operator', invisible: true };
  expect(seated()).toMatchObject([{ ...known, arrivalState: 'written' }]);
  expect(registry.amend.mock.calls).toMatchObject([[membership, { ...known, sessionName, unseated: undefined }]]);
  // The slot is requested from PostgreSQL only once.
  expect(sessions.joinSession).toHaveBeenCalledTimes(1);
  expect(registry.takeBack).not.toHaveBeenCalled();
});

test('[SE2] a user whom the session refuses loses the membership', async () => {
  sessions.joinSession.mockRejectedValue(new RollcallError('SESSION_INACTIVE', 'The session has ended.'));
  await expect(returnToSession(services, caller, sessionId)).rejects.toMatchObject({ code: 'SESSION_INACTIVE' });
  expect(registry.takeBack).toHaveBeenCalledWith(membership);
  expect(enter).not.toHaveBeenCalled();
});

test.each([
  { where: 'in the table', overtake: () => registry.amend.mockResolvedValue(false) },
  { where: 'in Redis', overtake: () => enter.mockRejectedValue(new Overtaken()) },
])('[PR18] a join or leave that is handled meanwhile decides: $where', async ({ overtake }) => {
  overtake();
  await expect(returnToSession(services, caller, sessionId)).resolves.toBeUndefined();
  expect(registry.takeBack).not.toHaveBeenCalled();
});

test.each([
  { what: 'the table is away', fail: () => registry.isCompact.mockRejectedValue(new Unavailable('connections')) },
  { what: 'the seat fails', fail: () => enter.mockRejectedValue(new Error('bug')) },
  { what: 'the audit trail fails', fail: () => activity.logActivity.mockRejectedValue(new Error('bug')) },
])('[FA6] [PR11] a return that fails keeps the membership, so that the next frame returns: $what', async ({ fail }) => {
  enter.mockResolvedValue({ ...entered, arrival: { userId: person.userId, at: 2, certain: true } });
  fail();
  await expect(returnToSession(services, caller, sessionId)).rejects.toThrow();
  expect(registry.takeBack).not.toHaveBeenCalled();
  expect(store.depart).not.toHaveBeenCalled();
  expect(sessions.leaveSession).not.toHaveBeenCalled();
  // The sweep looks at the session, for the case that no frame follows.
  expect(deadlines.schedule).toHaveBeenLastCalledWith(sessionId, expect.any(Number));
});

test('[FA6] [SE3] a return whose slot another user took meanwhile ends the seat and the membership', async () => {
  enter.mockResolvedValue({ ...entered, first: true });
  sessions.joinSession
    .mockResolvedValueOnce({ session, role: 'viewer', activated: false, revived: false })
    .mockRejectedValueOnce(new RollcallError('SESSION_FULL', 'The session is full.'));
  await expect(returnToSession(services, caller, sessionId)).rejects.toMatchObject({ code: 'SESSION_FULL' });
  expect(registry.takeBack).toHaveBeenCalled();
  expect(store.depart).toHaveBeenCalledTimes(1);
});

test('a connection that never joined gets NOT_IN_SESSION', async () => {
  registry.membership.mockResolvedValue(undefined);
  await expect(returnToSession(services, caller, sessionId)).rejects.toMatchObject({ code: 'NOT_IN_SESSION' });
  expect(sessions.joinSession).not.toHaveBeenCalled();
});

test('[SE4] if a returning user makes the session active again, its owner is told', async () => {
  sessions.joinSession.mockResolvedValue({ session, role: 'viewer', activated: true, revived: true });
  await returnToSession(services, caller, sessionId);
  expect(registry.connectionsOf).toHaveBeenCalledWith('u9');
  const frame = { type: 'session_activity', sessionId, active: true, activeAt: 5 };
  expect(broadcast.mock.calls).toEqual([[['c9'], frame, { kind: 'state' }]]);
});
