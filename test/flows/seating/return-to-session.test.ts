import { randomUUID } from 'node:crypto';
import type { Caller } from '../../../lambdas/flows/callers/caller.ts';
import { returnToSession } from '../../../lambdas/flows/seating/return-to-session.ts';
import { Overtaken } from '../../../lambdas/platform/turn.ts';
import { Unavailable } from '../../../lambdas/platform/unavailable.ts';
import { RollcallError } from '../../../protocol/errors.ts';

const registry = { membership: jest.fn(), takeBack: jest.fn() };
const store = { isKnown: jest.fn() };
const sessions = { joinSession: jest.fn() };
jest.mock('../../../lambdas/services/delivery.ts', () => ({ registry: () => registry }));
jest.mock('../../../lambdas/services/presence.ts', () => ({ presence: () => ({ store }) }));
jest.mock('../../../lambdas/services/sessions.ts', () => ({ sessions: () => sessions }));
jest.mock('../../../lambdas/flows/liveness/announce-liveness.ts', () => ({ announceRevival: jest.fn() }));
jest.mock('../../../lambdas/flows/connections/rebuild-session.ts', () => ({ rebuildSession: jest.fn() }));
jest.mock('../../../lambdas/flows/seating/seat-connection.ts', () => ({ seatConnection: jest.fn() }));
const { announceRevival } = jest.requireMock('../../../lambdas/flows/liveness/announce-liveness.ts');
const { rebuildSession } = jest.requireMock('../../../lambdas/flows/connections/rebuild-session.ts');
const { seatConnection } = jest.requireMock('../../../lambdas/flows/seating/seat-connection.ts');

const sessionId = randomUUID();
const person = { connectionId: 'c1', userId: randomUUID(), username: 'Ada' };
const caller: Caller = { ...person, scopes: [], ipAddress: null, userAgent: null };
const membership = { ...person, sessionId, sessionName: 'SESSION-20260101-TEST', role: 'commenter', joinedAt: 1 };
const session = { id: sessionId, sessionId: 'SESSION-20260101-TEST' };
const away = new Unavailable('database', new Error('PostgreSQL is away.'));

beforeEach(() => {
  jest.resetAllMocks();
  registry.membership.mockResolvedValue(membership);
  store.isKnown.mockResolvedValue(true);
  sessions.joinSession.mockResolvedValue({ session, role: 'viewer', activated: true, revived: false });
});

const seating = () => seatConnection.mock.calls[0]?.[1];

test('[PR11] who timed out takes a place and a seat again, with the role they have now', async () => {
  await returnToSession(caller, sessionId);
  expect(seating()).toMatchObject({ session, role: 'viewer', activated: true });
  expect(seating().isWritten).toBeFalsy();
  expect(seatConnection.mock.calls[0]![2]).toEqual({ known: membership });
  expect(announceRevival).not.toHaveBeenCalled();
});

test.each([
  { activated: false, isWritten: true, why: 'whose coming was written down while Redis was away has not come anew' },
  { activated: true, isWritten: false, why: 'who lost the place since has come anew' },
])('[PR9] $why', async ({ activated, isWritten }) => {
  registry.membership.mockResolvedValue({ ...membership, unseated: true });
  sessions.joinSession.mockResolvedValue({ session, role: 'viewer', activated, revived: false });
  await returnToSession(caller, sessionId);
  expect(seating().isWritten).toBe(isWritten);
});

test('[FA2] a session that Redis forgot is rebuilt before', async () => {
  store.isKnown.mockResolvedValue(false);
  await returnToSession(caller, sessionId);
  expect(rebuildSession).toHaveBeenCalledWith(sessionId, { onlyIfLost: true });
});

test('[FA3] with the database away they sit by what the connection table knows of them', async () => {
  const remembered = { cursorRole: 'operator', unseated: true, invisible: true };
  registry.membership.mockResolvedValue({ ...membership, ...remembered });
  sessions.joinSession.mockRejectedValue(away);
  await returnToSession(caller, sessionId);
  expect(seating()).toEqual({
    session: { ...session, metadata: { visibility: { cursors: 'operator' } } },
    ...{ role: 'commenter', activated: false, unasked: true, isWritten: true, invisible: true },
  });
  expect(registry.takeBack).not.toHaveBeenCalled();
});

test('[SE2] whom the session does not let in any more has left it', async () => {
  sessions.joinSession.mockRejectedValue(new RollcallError('SESSION_INACTIVE', 'The session has ended.'));
  await expect(returnToSession(caller, sessionId)).rejects.toMatchObject({ code: 'SESSION_INACTIVE' });
  expect(registry.takeBack).toHaveBeenCalledWith(membership);
  expect(seatConnection).not.toHaveBeenCalled();
});

test('[PR18] who joined or left meanwhile is where that frame put them', async () => {
  seatConnection.mockRejectedValue(new Overtaken());
  await expect(returnToSession(caller, sessionId)).resolves.toBeUndefined();
  expect(registry.takeBack).not.toHaveBeenCalled();
});

test('a connection that never joined is told so', async () => {
  registry.membership.mockResolvedValue(undefined);
  await expect(returnToSession(caller, sessionId)).rejects.toMatchObject({ code: 'NOT_IN_SESSION' });
  expect(sessions.joinSession).not.toHaveBeenCalled();
});

test('[SE4] whoever brings a session back to life has its owner told', async () => {
  sessions.joinSession.mockResolvedValue({ session, role: 'viewer', activated: true, revived: true });
  await returnToSession(caller, sessionId);
  expect(announceRevival).toHaveBeenCalledWith(session);
});
