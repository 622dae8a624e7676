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
const sessions = { leaveSession: jest.fn(), joinSession: jest.fn() };
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
/** Nobody else hears of it. */
const silent = { joins: [], receivers: [] };
/** What a second connection of somebody who is there finds. */
const known = { ...outcome, ...silent, first: false, arrival: undefined, users: [{ userId: caller.userId, joinedAt }] };
/** What the end of a seat answers: a leave of its user, or nothing. */
const nothingEnded = { ...outcome, ...silent, departures: [] };
const ended = {
  ...{ ...outcome, seq: 2, joins: [], leaves: [{ userId: caller.userId, cause: 'disconnected' }] },
  departures: [{ userId: caller.userId, cause: 'disconnected', at: joinedAt + 1, joinedAt }],
};

/** The frame that tells the others of a change. */
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

/** What the table answers a join, which is the connection's so-manieth of the session. */
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
  sessions.leaveSession.mockResolvedValue({ wasActive: true, durationSeconds: 0 });
  activity.logActivity.mockResolvedValue({ isNew: true, isStored: true });
  broadcast.mockResolvedValue(delivered);
});

const seat = (activated: boolean) => seatConnection(services, caller, { session, role: 'viewer', activated });

test('somebody who took a slot is written down, seated and told of; the entry says their role', async () => {
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

test('[AC1] a coming stays on the list of the sweep until it is written down', async () => {
  const order: string[] = [];
  activity.logActivity.mockImplementation(async () => ({ isStored: order.push('written') > 0 }));
  store.forget.mockImplementation(async () => void order.push('forgotten'));
  await seat(true);
  expect(order).toEqual(['written', 'forgotten']);
  expect(store.forget).toHaveBeenCalledWith(session.id, [arrival]);
});

test('[PR2] a second tab takes no slot and is not written into the audit trail', async () => {
  presence.enter.mockResolvedValue(known);
  await seat(false);
  expect(activity.logActivity).not.toHaveBeenCalled();
});

test('[SE3] who comes back while the slot they left is being given back takes it again, before anybody hears of it', async () => {
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

test('[SE3] who finds that slot taken by somebody else sits no more', async () => {
  sessions.joinSession.mockRejectedValue(new RollcallError('SESSION_FULL', 'No slot is free.'));
  await expect(seat(false)).rejects.toMatchObject({ code: 'SESSION_FULL' });
  expect(broadcast).not.toHaveBeenCalled();
  expect(store.depart).toHaveBeenCalled();
});

test('[FA2] whoever joins while the connection table is away is refused, and not left without a seat', async () => {
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

test('a programming error in undoing a join is logged as an error, a store that is away as a warning', async () => {
  presence.enter.mockRejectedValue(new Error('the join failed'));
  store.depart.mockRejectedValue(new TypeError('undefined is not a function'));
  await expect(seat(true)).rejects.toThrow('the join failed');
  expect([log.error.mock.calls.length, log.warn.mock.calls.length]).toEqual([1, 0]);
  store.depart.mockRejectedValue(new Unavailable('redis', new Error('ECONNREFUSED')));
  await expect(seat(true)).rejects.toThrow('the join failed');
  expect([log.error.mock.calls.length, log.warn.mock.calls.length]).toEqual([1, 1]);
});

test('[FA6] a join that is repeated and fails early leaves the membership of the first one', async () => {
  registry.isCompact.mockRejectedValue(new Unavailable('connections', new Error('ECONNREFUSED')));
  registry.join.mockImplementation(async (membership: Membership) => ({ ...joined(membership, 2), isNew: false }));
  await expect(seat(false)).rejects.toMatchObject({ code: 'UNAVAILABLE' });
  expect(registry.takeBack).not.toHaveBeenCalled();
});

test('[FA3] who comes back with the database away sits all the same', async () => {
  sessions.joinSession.mockRejectedValue(new Unavailable('database', new Error('PostgreSQL is away.')));
  expect(await seat(false)).toMatchObject({ epoch: 'e', seq: 1 });
  expect(store.depart).not.toHaveBeenCalled();
});

test('[FA3] who was let back in without the database does not wait for it a second time', async () => {
  await seatConnection(services, caller, { session, role: 'viewer', activated: false, unasked: true });
  expect(sessions.joinSession).not.toHaveBeenCalled();
});

test('[SE3] a slot that was taken just now, and one that another tab keeps, is asked for once', async () => {
  await seat(true);
  presence.enter.mockResolvedValue(known);
  await seat(false);
  expect(sessions.joinSession).not.toHaveBeenCalled();
});

test('[PR9] who comes back while their leave is still being written down is written down as come', async () => {
  await seat(false);
  expect(activity.logActivity.mock.calls[0]!.slice(1, 3)).toEqual([caller.userId, 'user_joined']);
});

test('[FA2] whom Redis forgot in their grace has not come anew', async () => {
  presence.enter.mockResolvedValue({ ...outcome, arrival: { ...arrival, certain: false } });
  activity.lastMovement.mockResolvedValue({ type: 'user_joined', at: joinedAt - 5000 });
  await seat(false);
  expect(activity.logActivity).not.toHaveBeenCalled();
  expect(store.forget).toHaveBeenCalled();
});

test('[PR9] who comes back after a leave has come anew, although the slot had not been given back yet', async () => {
  presence.enter.mockResolvedValue({ ...outcome, arrival: { ...arrival, certain: false } });
  activity.lastMovement.mockResolvedValue({ type: 'user_left', at: joinedAt - 5000 });
  await seat(false);
  expect(activity.logActivity.mock.calls[0]!.slice(1, 3)).toEqual([caller.userId, 'user_joined']);
});

test('[FA6] the sweep expects somebody before they sit, so that a kill in between leaves nobody unseen', async () => {
  const order: string[] = [];
  deadlines.schedule.mockImplementation(async () => order.push('expected') > 0);
  presence.enter.mockImplementation(async () => {
    order.push('seated');
    return outcome;
  });
  await seat(true);
  expect(order.slice(0, 2)).toEqual(['expected', 'seated']);
});

test('[AC3] a coming that waits in the outbox stays on the list of the sweep', async () => {
  activity.logActivity.mockResolvedValue({ isNew: true, isStored: false });
  await seat(true);
  expect(store.forget).not.toHaveBeenCalled();
});

test('[FA3] a coming that no store takes for the moment is the sweep’s, and nobody is unseated for it', async () => {
  activity.logActivity.mockRejectedValue(new Unavailable('database', new Error('PostgreSQL and the outbox are away.')));
  expect(await seat(true)).toMatchObject({ epoch: 'e', seq: 1 });
  expect(store.forget).not.toHaveBeenCalled();
  expect(store.depart).not.toHaveBeenCalled();
  expect(sessions.leaveSession).not.toHaveBeenCalled();
  expect(deadlines.schedule.mock.calls.some(([, deadline]) => deadline <= Date.now())).toBe(true);
});

test('[FA1] whose coming was written down while Redis was away is not written down again', async () => {
  presence.enter.mockResolvedValue(known);
  await seatConnection(services, caller, { session, role: 'viewer', activated: false, isWritten: true });
  expect(presence.enter.mock.calls[0]![2]).toMatchObject({ arrivalState: 'written' });
  expect(activity.logActivity).not.toHaveBeenCalled();
});

test.each([
  { activated: true, isWritten: false, isMarked: true, what: 'that took a slot is written, and marked as written' },
  { activated: false, isWritten: true, isMarked: true, what: 'that was written before keeps its mark' },
  { activated: false, isWritten: false, isMarked: false, what: 'that found a slot is not written, and not marked' },
])('[FA1] [PR9] a join while Redis is away $what', async ({ activated, isWritten, isMarked }) => {
  presence.enter.mockRejectedValue(new Unavailable('redis', new Error('Redis is away.')));
  await seatConnection(services, caller, { session, role: 'viewer', activated, isWritten });
  expect(registry.amend.mock.calls.map(([, fields]) => fields.unseated === true)).toEqual([isMarked]);
});

test.each([
  ['the connection cannot be written down', () => registry.join.mockRejectedValue(new Error('table away'))],
  ['the script has a bug', () => presence.enter.mockRejectedValue(new Error('bug'))],
  ['the audit trail fails', () => activity.logActivity.mockRejectedValue(new Error('away'))],
])('[FA6] where %s, the slot is given back and the membership forgotten', async (_, fail) => {
  fail();
  await expect(seat(true)).rejects.toThrow();
  expect(registry.takeBack.mock.calls[0]![0]).toMatchObject({ connectionId: 'c1', sessionId: session.id });
  expect(sessions.leaveSession).toHaveBeenCalledWith(session.id, caller.userId, 'disconnected', expect.anything());
});

test('[FA6] [PR9] who was seated before it failed leaves again: told, written down, and without the slot', async () => {
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

test('[FA6] a slot is kept where another connection of its holder is there', async () => {
  presence.enter.mockRejectedValue(new Error('bug'));
  store.isPresent.mockResolvedValue(true);
  await expect(seat(true)).rejects.toThrow('bug');
  expect(sessions.leaveSession).not.toHaveBeenCalled();
});

test('[FA6] a second tab that fails takes no slot from the first', async () => {
  presence.enter.mockRejectedValue(new Error('bug'));
  await expect(seat(false)).rejects.toThrow('bug');
  expect(registry.takeBack.mock.calls[0]![0]).toMatchObject({ connectionId: 'c1', sessionId: session.id });
  expect(sessions.leaveSession).not.toHaveBeenCalled();
});

test('[FA6] what made it fail is told, also where cleaning up fails', async () => {
  presence.enter.mockRejectedValue(new Error('the reason'));
  registry.takeBack.mockRejectedValue(new Error('table away, too'));
  await expect(seat(false)).rejects.toThrow('the reason');
});

test('[FA6] a join that failed after its client had joined again takes nothing from that one', async () => {
  presence.enter.mockRejectedValue(new Error('bug'));
  registry.takeBack.mockResolvedValue(false);
  await expect(seat(true)).rejects.toThrow('bug');
  expect(store.depart).not.toHaveBeenCalled();
  expect(sessions.leaveSession).not.toHaveBeenCalled();
});

test('[FA6] [FA4] a join sent once more that finds no table takes nobody from the seat of the first', async () => {
  registry.join.mockImplementation(async (membership: Membership) => ({ ...joined(membership, 2), isNew: false }));
  registry.isCompact.mockRejectedValue(new Error('table away'));
  await expect(seat(false)).rejects.toThrow('table away');
  expect(store.depart).not.toHaveBeenCalled();
  expect(broadcast).not.toHaveBeenCalled();
});

describe('[PR18] a join that a later frame of its connection has overtaken', () => {
  const turn = { order: 1 };
  const overtake = {
    'in the table': () => registry.join.mockRejectedValue(new Overtaken()),
    'in Redis': () => presence.enter.mockRejectedValue(new Overtaken()),
  };

  test.each(Object.entries(overtake))('seats nobody and gives the slot back: %s', async (_, happen) => {
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

  test('also gives back a slot that it found: the leave that ended it has left it to this join', async () => {
    overtake['in Redis']();
    await expect(seat(false)).rejects.toThrow(Overtaken);
    expect(sessions.leaveSession).toHaveBeenCalledTimes(1);
  });

  test('is followed by one that asks for the slot again, which may have been given back', async () => {
    registry.join.mockImplementation(async (membership: Membership) => joined(membership, 3));
    await seat(true);
    expect(sessions.joinSession).toHaveBeenCalledTimes(1);
  });

  test('keeps the slot of a user whom only the connection table knows: Redis forgot the session', async () => {
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

  test('takes the slot again also while Redis is away: an earlier leave may just have given it back', async () => {
    presence.enter.mockRejectedValue(new Unavailable('redis', new Error('Redis is away.')));
    registry.members.mockResolvedValue([]);
    await seat(false);
    expect(sessions.joinSession).toHaveBeenCalledTimes(1);
  });

  test('who returns keeps the number of their join, and does not undo a leave', async () => {
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
