import { randomUUID } from 'node:crypto';
import type { Membership } from '../../../lambdas/connections/connection-registry.ts';
import type { Caller } from '../../../lambdas/flows/callers/caller.ts';
import { seatConnection } from '../../../lambdas/flows/seating/seat-connection.ts';
import { Overtaken } from '../../../lambdas/platform/turn.ts';
import { Unavailable } from '../../../lambdas/platform/unavailable.ts';
import type { PresenceOutcome } from '../../../lambdas/presence/outcome.ts';
import { RollcallError } from '../../../protocol/errors.ts';
import { slotsOneByOne, trailOneByOne } from '../../support/one-by-one.ts';
import { testServices } from '../../support/test-services.ts';

const registry = {
  ...{ join: jest.fn(), amend: jest.fn(), takeBack: jest.fn(), isCompact: jest.fn(), members: jest.fn() },
  inheritInvisible: jest.fn(),
};
const store = { isKnown: jest.fn(), depart: jest.fn(), isPresent: jest.fn(), yieldSlot: jest.fn(), forget: jest.fn() };
const presence = { store, enter: jest.fn() };
const sessions = { leaveSession: jest.fn(), joinSession: jest.fn(), getStay: jest.fn() };
const activity = { logActivity: jest.fn(), lastMovement: jest.fn() };

const broadcast = jest.fn();
const log = { debug: jest.fn(), info: jest.fn(), warn: jest.fn(), error: jest.fn() };
const deadlines = { schedule: jest.fn() };
const services = testServices({
  ...{ registry, presence, deadlines, broadcaster: { broadcast }, log },
  ...{ sessions: slotsOneByOne(sessions), activity: trailOneByOne(activity) },
});

const caller: Caller = {
  connectionId: 'c1',
  userId: randomUUID(),
  username: 'Ada',
  scopes: [],
  ipAddress: null,
  userAgent: null,
};
const session = { id: randomUUID(), sessionId: 'SESSION-20260101-TEST' };
const joinedAt = Date.now();
const arrival = { userId: caller.userId, username: 'Ada', role: 'viewer', at: joinedAt, certain: true, text: '{}' };
const outcome = {
  epoch: 'e',
  seq: 1,
  users: [],
  leaves: [],
  joins: [{ userId: caller.userId, username: 'Ada' }],
  updates: [],
  receivers: [{ userId: 'u2', connectionId: 'c2' }],
  parts: 1,
  first: true,
  arrival,
};
/** The fields of an outcome without receivers. */
const silent = { joins: [], receivers: [] };
/** The outcome for a second connection of a present user. */
const known = { ...outcome, ...silent, first: false, arrival: undefined, users: [{ userId: caller.userId, joinedAt }] };
/** The outcomes of the end of a seat: without and with a leave of its user. */
const nothingEnded = { ...outcome, ...silent, departures: [] };
const ended = {
  ...{ ...outcome, seq: 2, joins: [], leaves: [{ userId: caller.userId, cause: 'disconnected' }] },
  departures: [{ userId: caller.userId, cause: 'disconnected', at: joinedAt + 1, joinedAt }],
};

/** The frame that announces a change to the others. */
const diffOf = ({
  epoch,
  seq,
  joins,
  updates,
  leaves,
}: Pick<PresenceOutcome, 'epoch' | 'seq'> & Record<'joins' | 'updates' | 'leaves', unknown[]>) => ({
  ...{ type: 'presence_diff', sessionId: session.id, epoch, seq, joins, updates, leaves },
});
const delivered = { delivered: 1, gone: [], failed: [], throttled: 0 };

/** The answer of the connection table to a join; `count` is the number of joins of the connection in the session. */
const joined = (membership: Membership, count: number) => ({
  membership: { ...membership, version: membership.joinedAt + count },
  isNew: true,
  isFirst: count === 1,
});

beforeEach(() => {
  jest.resetAllMocks();
  registry.join.mockImplementation(async (membership: Membership) => joined(membership, 1));
  registry.amend.mockResolvedValue(true);
  registry.takeBack.mockResolvedValue(true);
  registry.isCompact.mockResolvedValue(false);
  registry.members.mockResolvedValue([]);
  store.isKnown.mockResolvedValue(true);
  store.depart.mockResolvedValue(nothingEnded);
  store.isPresent.mockResolvedValue(false);
  store.yieldSlot.mockResolvedValue(false);
  store.forget.mockResolvedValue(undefined);
  deadlines.schedule.mockResolvedValue(true);
  activity.lastMovement.mockResolvedValue(undefined);
  presence.enter.mockResolvedValue(outcome);
  sessions.getStay.mockResolvedValue({ role: 'viewer', leftCause: null });
  sessions.leaveSession.mockResolvedValue({ wasActive: true, durationSeconds: 0 });
  activity.logActivity.mockResolvedValue({ isNew: true, isStored: true });
  broadcast.mockResolvedValue(delivered);
});

const seat = (activated: boolean) => seatConnection(services, caller, { session, role: 'viewer', activated });

test('a user who took a slot gets a membership and a seat, is announced, and has an entry with their role', async () => {
  expect(await seat(true)).toMatchObject({ epoch: 'e', seq: 1, users: [] });
  expect(registry.join.mock.calls[0]![0]).toMatchObject({ connectionId: 'c1', sessionId: session.id });
  expect(presence.enter.mock.calls[0]![2]).toMatchObject({ version: expect.any(Number) });
  expect(broadcast.mock.calls).toEqual([[['c2'], diffOf(outcome), { kind: 'state' }]]);
  expect(activity.logActivity.mock.calls[0]!.slice(0, 4)).toEqual([
    session.id,
    caller.userId,
    'user_joined',
    { role: 'viewer' },
  ]);
  expect(presence.enter.mock.calls[0]![2]).toMatchObject({ arrivalState: 'taken' });
  expect(sessions.leaveSession).not.toHaveBeenCalled();
});

test('[AC1] a join stays in the movement journal until it is recorded', async () => {
  const order: string[] = [];
  activity.logActivity.mockImplementation(async () => ({ isStored: order.push('written') > 0 }));
  store.forget.mockImplementation(async () => void order.push('forgotten'));
  await seat(true);
  expect(order).toEqual(['written', 'forgotten']);
  expect(store.forget).toHaveBeenCalledWith(session.id, [arrival]);
});

test('[PR2] a second tab takes no slot and has no entry in the audit trail', async () => {
  presence.enter.mockResolvedValue(known);
  await seat(false);
  expect(activity.logActivity).not.toHaveBeenCalled();
});

test('[SE3] a user who returns while their slot is being given back takes it again before their join is announced', async () => {
  const order: string[] = [];
  presence.enter.mockImplementation(async () => {
    order.push('seated');
    return outcome;
  });
  sessions.joinSession.mockImplementation(async () => void order.push('slot'));
  broadcast.mockImplementation(async () => {
    order.push('told');
    return delivered;
  });
  await seat(false);
  expect(order).toEqual(['seated', 'slot', 'told']);
  expect(sessions.joinSession).toHaveBeenCalledWith({
    sessionRef: session.id,
    person: { userId: caller.userId, username: 'Ada', externalId: undefined },
    invite: undefined,
  });
});

test('[SE3] a returning user whose slot another user has taken loses the seat', async () => {
  sessions.joinSession.mockRejectedValue(new RollcallError('SESSION_FULL', 'No slot is free.'));
  await expect(seat(false)).rejects.toMatchObject({ code: 'SESSION_FULL' });
  expect(broadcast).not.toHaveBeenCalled();
  expect(store.depart).toHaveBeenCalled();
});

test('[FA2] a join while the connection table is away is refused, and leaves no membership without a seat', async () => {
  store.isKnown.mockResolvedValue(false);
  registry.members.mockRejectedValue(new Unavailable('connections', new Error('ECONNREFUSED')));
  await expect(seat(false)).rejects.toMatchObject({ code: 'UNAVAILABLE', retryAfterMillis: 1000 });
  expect(registry.join).toHaveBeenCalledTimes(1);
  expect(registry.takeBack).toHaveBeenCalledWith(expect.objectContaining({ connectionId: 'c1' }));
});

test('[FA6] a join that fails while its membership is being written leaves no membership behind', async () => {
  const order: string[] = [];
  const writing = Promise.withResolvers<void>();
  registry.isCompact.mockRejectedValue(new Unavailable('connections', new Error('ECONNREFUSED')));
  registry.join.mockImplementation(async (membership: Membership) => {
    await writing.promise;
    order.push('written');
    return joined(membership, 1);
  });
  registry.takeBack.mockImplementation(async () => order.push('taken back') > 0);
  const refused = expect(seat(false)).rejects.toMatchObject({ code: 'UNAVAILABLE' });
  setImmediate(() => setImmediate(writing.resolve));
  await refused;
  await writing.promise;
  await new Promise(setImmediate);
  expect(order).toEqual(['written', 'taken back']);
});

test('a programming error in the undo of a join is logged as an error, and a store that is away as a warning', async () => {
  presence.enter.mockRejectedValue(new Error('the join failed'));
  store.depart.mockRejectedValue(new TypeError('undefined is not a function'));
  await expect(seat(true)).rejects.toThrow('the join failed');
  expect([log.error.mock.calls.length, log.warn.mock.calls.length]).toEqual([1, 0]);
  store.depart.mockRejectedValue(new Unavailable('redis', new Error('ECONNREFUSED')));
  await expect(seat(true)).rejects.toThrow('the join failed');
  expect([log.error.mock.calls.length, log.warn.mock.calls.length]).toEqual([1, 1]);
});

test('[FA6] a repeated join that fails early keeps the membership of the first one', async () => {
  registry.isCompact.mockRejectedValue(new Unavailable('connections', new Error('ECONNREFUSED')));
  registry.join.mockImplementation(async (membership: Membership) => ({ ...joined(membership, 2), isNew: false }));
  await expect(seat(false)).rejects.toMatchObject({ code: 'UNAVAILABLE' });
  expect(registry.takeBack).not.toHaveBeenCalled();
});

test('[FA3] a user who returns while PostgreSQL is away gets a seat', async () => {
  sessions.joinSession.mockRejectedValue(new Unavailable('database', new Error('PostgreSQL is away.')));
  expect(await seat(false)).toMatchObject({ epoch: 'e', seq: 1 });
  expect(store.depart).not.toHaveBeenCalled();
});

test('[FA3] a user whose return did not need PostgreSQL does not wait for it a second time', async () => {
  await seatConnection(services, caller, { session, role: 'viewer', activated: false, unasked: true });
  expect(sessions.joinSession).not.toHaveBeenCalled();
});

test('[SE3] a slot that the join has taken or that another tab keeps is not requested again', async () => {
  await seat(true);
  presence.enter.mockResolvedValue(known);
  await seat(false);
  expect(sessions.joinSession).not.toHaveBeenCalled();
});

test('[PR9] the join of a user who returns while their leave is being recorded is recorded', async () => {
  await seat(false);
  expect(activity.logActivity.mock.calls[0]!.slice(1, 3)).toEqual([caller.userId, 'user_joined']);
});

test('[FA2] a user whom Redis lost during their grace has no new join', async () => {
  presence.enter.mockResolvedValue({ ...outcome, arrival: { ...arrival, certain: false } });
  activity.lastMovement.mockResolvedValue({ type: 'user_joined', at: joinedAt - 5000 });
  await seat(false);
  expect(activity.logActivity).not.toHaveBeenCalled();
  expect(store.forget).toHaveBeenCalled();
});

test('[PR9] a user who returns after a leave has a new join, even if the slot was not given back yet', async () => {
  presence.enter.mockResolvedValue({ ...outcome, arrival: { ...arrival, certain: false } });
  activity.lastMovement.mockResolvedValue({ type: 'user_left', at: joinedAt - 5000 });
  await seat(false);
  expect(activity.logActivity.mock.calls[0]!.slice(1, 3)).toEqual([caller.userId, 'user_joined']);
});

test('[FA6] a visit is scheduled before the seat, so that the sweep finds the user if the invocation is killed', async () => {
  const order: string[] = [];
  deadlines.schedule.mockImplementation(async () => order.push('expected') > 0);
  presence.enter.mockImplementation(async () => {
    order.push('seated');
    return outcome;
  });
  await seat(true);
  expect(order.slice(0, 2)).toEqual(['expected', 'seated']);
});

test('[AC3] a join that waits in the outbox stays in the movement journal', async () => {
  activity.logActivity.mockResolvedValue({ isNew: true, isStored: false });
  await seat(true);
  expect(store.forget).not.toHaveBeenCalled();
});

test('[FA3] a join that no store accepts stays in the journal for the sweep, and the user keeps the seat', async () => {
  activity.logActivity.mockRejectedValue(new Unavailable('database', new Error('PostgreSQL and the outbox are away.')));
  expect(await seat(true)).toMatchObject({ epoch: 'e', seq: 1 });
  expect(store.forget).not.toHaveBeenCalled();
  expect(store.depart).not.toHaveBeenCalled();
  expect(sessions.leaveSession).not.toHaveBeenCalled();
  expect(deadlines.schedule.mock.calls.some(([, deadline]) => deadline <= Date.now())).toBe(true);
});

test('[FA1] a join that was recorded while Redis was away is not recorded again', async () => {
  presence.enter.mockResolvedValue(known);
  await seatConnection(services, caller, { session, role: 'viewer', activated: false, isWritten: true });
  expect(presence.enter.mock.calls[0]![2]).toMatchObject({ arrivalState: 'written' });
  expect(activity.logActivity).not.toHaveBeenCalled();
});

test.each([
  { activated: true, isWritten: false, isMarked: true, what: 'that took a slot is recorded and marked as unseated' },
  { activated: false, isWritten: true, isMarked: true, what: 'that was recorded before keeps its mark' },
  {
    activated: false,
    isWritten: false,
    isMarked: false,
    what: 'that already had a slot is neither recorded nor marked',
  },
])('[FA1] [PR9] a join while Redis is away $what', async ({ activated, isWritten, isMarked }) => {
  presence.enter.mockRejectedValue(new Unavailable('redis', new Error('Redis is away.')));
  await seatConnection(services, caller, { session, role: 'viewer', activated, isWritten });
  expect(registry.amend.mock.calls.map(([, fields]) => fields.unseated === true)).toEqual([isMarked]);
});

test.each([
  ['the membership cannot be stored', () => registry.join.mockRejectedValue(new Error('table away'))],
  ['the script has a bug', () => presence.enter.mockRejectedValue(new Error('bug'))],
  ['the audit trail fails', () => activity.logActivity.mockRejectedValue(new Error('away'))],
])('[FA6] if %s, the slot is given back and the membership deleted', async (_, fail) => {
  fail();
  await expect(seat(true)).rejects.toThrow();
  expect(registry.takeBack.mock.calls[0]![0]).toMatchObject({ connectionId: 'c1', sessionId: session.id });
  expect(sessions.leaveSession).toHaveBeenCalledWith(session.id, caller.userId, 'disconnected', expect.anything());
});

test('[FA6] [PR9] if a join fails after the seat, the leave is announced and recorded, and the slot is given back', async () => {
  broadcast.mockRejectedValueOnce(new Error('gateway'));
  store.depart.mockResolvedValue(ended);
  activity.lastMovement.mockResolvedValue({ type: 'user_joined', at: joinedAt });
  await expect(seat(true)).rejects.toThrow('gateway');
  expect(activity.logActivity.mock.calls.map(([, , type]) => type)).toEqual(['user_joined', 'user_left']);
  expect(broadcast).toHaveBeenLastCalledWith(['c2'], diffOf(ended), { kind: 'state' });
  const given = { joinedUntil: joinedAt + 1 };
  expect(sessions.leaveSession.mock.calls).toEqual([[session.id, caller.userId, 'disconnected', given]]);
});

test('[FA6] [PR18] the undo of a join has a higher version than the join, so that a rebuild does not seat the connection again', async () => {
  broadcast.mockRejectedValueOnce(new Error('gateway'));
  await expect(seat(true)).rejects.toThrow('gateway');
  const [joinOf] = registry.join.mock.calls[0]!;
  const { version } = joined(joinOf, 1).membership;
  expect(store.depart.mock.calls.map(([, , , leave]) => leave)).toEqual([version + 1]);
});

test('[FA6] [PR9] a join that was recorded while Redis was away, and then failed, has its leave in the audit trail', async () => {
  presence.enter.mockRejectedValue(new Unavailable('redis', new Error('Redis is away.')));
  store.depart.mockRejectedValue(new Unavailable('redis', new Error('Redis is away.')));
  store.isPresent.mockRejectedValue(new Unavailable('redis', new Error('Redis is away.')));
  registry.amend.mockRejectedValue(new Unavailable('connections', new Error('The table is away.')));
  activity.lastMovement.mockResolvedValue({ type: 'user_joined', at: joinedAt });
  await expect(seat(true)).rejects.toMatchObject({ code: 'UNAVAILABLE' });
  expect(activity.logActivity.mock.calls.map(([, , type]) => type)).toEqual(['user_joined', 'user_left']);
  expect(sessions.leaveSession).toHaveBeenCalledWith(session.id, caller.userId, 'disconnected', expect.anything());
});

test('[FA6] the undo of a join keeps the slot if another connection of the user is present', async () => {
  presence.enter.mockRejectedValue(new Error('bug'));
  store.isPresent.mockResolvedValue(true);
  await expect(seat(true)).rejects.toThrow('bug');
  expect(sessions.leaveSession).not.toHaveBeenCalled();
});

test('[FA6] the failed join of a second tab keeps the slot of the first', async () => {
  presence.enter.mockRejectedValue(new Error('bug'));
  await expect(seat(false)).rejects.toThrow('bug');
  expect(registry.takeBack.mock.calls[0]![0]).toMatchObject({ connectionId: 'c1', sessionId: session.id });
  expect(sessions.leaveSession).not.toHaveBeenCalled();
});

test('[FA6] a failed join throws its own error, even if the undo fails too', async () => {
  presence.enter.mockRejectedValue(new Error('the reason'));
  registry.takeBack.mockRejectedValue(new Error('table away, too'));
  await expect(seat(false)).rejects.toThrow('the reason');
});

test('[FA6] the undo of a failed join does not affect a later join of the same connection', async () => {
  presence.enter.mockRejectedValue(new Error('bug'));
  registry.takeBack.mockResolvedValue(false);
  await expect(seat(true)).rejects.toThrow('bug');
  expect(store.depart).not.toHaveBeenCalled();
  expect(sessions.leaveSession).not.toHaveBeenCalled();
});

test('[FA6] [FA4] a repeated join that fails because the table is away keeps the seat of the first', async () => {
  registry.join.mockImplementation(async (membership: Membership) => ({ ...joined(membership, 2), isNew: false }));
  registry.isCompact.mockRejectedValue(new Error('table away'));
  await expect(seat(false)).rejects.toThrow('table away');
  expect(store.depart).not.toHaveBeenCalled();
  expect(broadcast).not.toHaveBeenCalled();
});

describe('[PR18] a join that is handled after a later frame of its connection', () => {
  const turn = { order: 1 };
  const overtake = {
    'in the table': () => registry.join.mockRejectedValue(new Overtaken()),
    'in Redis': () => presence.enter.mockRejectedValue(new Overtaken()),
  };

  test.each(Object.entries(overtake))('takes no seat and gives the slot back: %s', async (_, happen) => {
    happen();
    const joining = seatConnection(services, caller, { session, role: 'viewer', activated: true }, { turn });
    await expect(joining).rejects.toThrow(Overtaken);
    expect(registry.join.mock.calls[0]![1]).toBe(turn);
    expect(sessions.leaveSession.mock.calls).toEqual([
      [session.id, caller.userId, 'disconnected', { joinedUntil: expect.any(Number) }],
    ]);
    expect(registry.takeBack).not.toHaveBeenCalled();
    expect(activity.logActivity).not.toHaveBeenCalled();
  });

  test('keeps the slot of another connection', async () => {
    overtake['in Redis']();
    store.yieldSlot.mockResolvedValue(true);
    await expect(seat(true)).rejects.toThrow(Overtaken);
    expect(sessions.leaveSession).not.toHaveBeenCalled();
  });

  test('gives back a slot that the user already had, because the later leave relies on this join', async () => {
    overtake['in Redis']();
    await expect(seat(false)).rejects.toThrow(Overtaken);
    expect(sessions.leaveSession).toHaveBeenCalledTimes(1);
  });

  test('is followed by a join that requests the slot again, which may have been given back', async () => {
    registry.join.mockImplementation(async (membership: Membership) => joined(membership, 3));
    await seat(true);
    expect(sessions.joinSession).toHaveBeenCalledTimes(1);
  });

  test('keeps the slot of a user whom only the connection table knows, because Redis lost the session', async () => {
    overtake['in Redis']();
    store.yieldSlot.mockResolvedValue(undefined);
    registry.members.mockResolvedValue([{ userId: caller.userId, connectionId: 'c2' }]);
    await expect(seat(true)).rejects.toThrow(Overtaken);
    expect(sessions.leaveSession).not.toHaveBeenCalled();
    registry.members.mockResolvedValue([]);
    await expect(seat(true)).rejects.toThrow(Overtaken);
    expect(sessions.leaveSession).toHaveBeenCalledTimes(1);
  });

  test('gives back a slot that it took again after a leave had ended its seat', async () => {
    await seat(false);
    expect(sessions.joinSession).toHaveBeenCalledTimes(1);
    expect(sessions.leaveSession).toHaveBeenCalledTimes(1);
    store.yieldSlot.mockResolvedValue(true);
    await seat(false);
    expect(sessions.leaveSession).toHaveBeenCalledTimes(1);
  });

  test('requests the slot again while Redis is away, because an earlier leave may have given it back', async () => {
    presence.enter.mockRejectedValue(new Unavailable('redis', new Error('Redis is away.')));
    registry.members.mockResolvedValue([]);
    await seat(false);
    expect(sessions.joinSession).toHaveBeenCalledTimes(1);
  });

  test('keeps the version of its membership when the user returns, and does not undo a leave', async () => {
    const returned = { connectionId: 'c1', sessionId: session.id, version: 3 } as Membership;
    const back = () =>
      seatConnection(services, caller, { session, role: 'viewer', activated: false }, { known: returned });
    await back();
    expect(registry.join).not.toHaveBeenCalled();
    expect(presence.enter.mock.calls[0]![2]).toMatchObject({ version: 3 });
    registry.amend.mockResolvedValue(false);
    await expect(back()).rejects.toThrow(Overtaken);
    expect(presence.enter).toHaveBeenCalledTimes(1);
  });
});
