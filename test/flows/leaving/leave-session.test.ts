import { randomUUID } from 'node:crypto';
import type { Caller } from '../../../lambdas/flows/callers/caller.ts';
import { leaveSession } from '../../../lambdas/flows/leaving/leave-session.ts';
import { Overtaken } from '../../../lambdas/platform/turn.ts';
import { Unavailable } from '../../../lambdas/platform/unavailable.ts';
import { slotsOneByOne, trailOneByOne } from '../../support/one-by-one.ts';
import { testServices } from '../../support/test-services.ts';

const registry = { leave: jest.fn(), members: jest.fn(), membership: jest.fn() };
const store = { isInDoubt: jest.fn(), depart: jest.fn(), restore: jest.fn(), list: jest.fn() };
const activity = { logActivity: jest.fn(), lastMovement: jest.fn() };
const slots = { leaveSession: jest.fn() };
const sessions = { authorize: jest.fn(), getParticipants: jest.fn(), ...slotsOneByOne(slots) };
const deadlines = { schedule: jest.fn() };
const broadcast = jest.fn();
const services = testServices({
  ...{ registry, presence: { store }, sessions, deadlines },
  ...{ activity: trailOneByOne(activity), broadcaster: { broadcast } },
});

const sessionId = randomUUID();
const person = { connectionId: 'c1', userId: randomUUID(), username: 'Ada' };
const caller: Caller = { ...person, scopes: [], ipAddress: null, userAgent: null };
const departure = { userId: person.userId, cause: 'left', at: 4000, joinedAt: 1000 };
const told = {
  ...{ epoch: 'e', seq: 1, parts: 1, joins: [], updates: [], leaves: [{ userId: person.userId, cause: 'left' }] },
  receivers: [{ userId: 'u2', connectionId: 'c2' }],
};
const ended = { ...told, removed: true, departures: [departure] };
let order: string[];

beforeEach(() => {
  jest.resetAllMocks();
  order = [];
  registry.leave.mockImplementation(async () => {
    order.push('membership');
    return { version: 5, membership: { ...person, sessionId } };
  });
  registry.members.mockResolvedValue([]);
  sessions.getParticipants.mockResolvedValue([]);
  store.isInDoubt.mockResolvedValue(false);
  store.depart.mockImplementation(async () => {
    order.push('seat');
    return ended;
  });
  store.restore.mockImplementation(async () => void order.push('brought back'));
  activity.lastMovement.mockResolvedValue({ type: 'user_joined', at: departure.joinedAt });
  activity.logActivity.mockImplementation(async () => {
    order.push('written down');
    return { isStored: true };
  });
  deadlines.schedule.mockResolvedValue(true);
  broadcast.mockImplementation(async () => {
    order.push('told');
    return { delivered: 1, gone: [], failed: [], throttled: 0 };
  });
});

const written = () => activity.logActivity.mock.calls.map((call) => call.slice(0, 4));

test('[PR7] a leave ends the membership before the seat, and is recorded before it is announced', async () => {
  expect(await leaveSession(services, caller, sessionId)).toEqual({ type: 'session_left', sessionId });
  expect(order).toEqual(['membership', 'seat', 'written down', 'told']);
  expect(store.depart.mock.calls[0]).toEqual([
    { sessionId, userId: person.userId, connectionId: 'c1' },
    'left',
    expect.any(Number),
    5,
  ]);
  expect(written()).toEqual([[sessionId, person.userId, 'user_left', { cause: 'left', durationSeconds: 3 }]]);
  expect(activity.logActivity.mock.calls[0]![4]).toMatchObject({ at: departure.at });
  expect(slots.leaveSession.mock.calls).toEqual([[sessionId, person.userId, 'left', { joinedUntil: departure.at }]]);
});

test('[FA1] just after an outage of Redis, a leave first restores the session, because another tab may have joined', async () => {
  store.isInDoubt.mockResolvedValue(true);
  await leaveSession(services, caller, sessionId);
  expect(order.slice(0, 3)).toEqual(['membership', 'brought back', 'seat']);
});

test.each([
  { others: [], count: 1, whose: 'the last connection' },
  { others: [{ ...person, connectionId: 'c2' }], count: 0, whose: 'one of two connections' },
])(
  '[FA1] while Redis is away, the connection table decides whether a leave was that of $whose',
  async ({ others, count }) => {
    store.isInDoubt.mockRejectedValue(new Unavailable('redis', new Error('Redis is away.')));
    registry.members.mockResolvedValue([{ ...person }, ...others]);
    await leaveSession(services, caller, sessionId);
    expect(written()).toHaveLength(count);
    expect(slots.leaveSession).toHaveBeenCalledTimes(count);
    expect(store.depart).not.toHaveBeenCalled();
  },
);

test.each([
  { store: 'PostgreSQL', fail: () => activity.lastMovement.mockRejectedValue(new Unavailable('database')) },
  { store: 'the connection table', fail: () => registry.members.mockRejectedValue(new Unavailable('connections')) },
])(
  '[FA1][FA3] a leave that is in the connection table succeeds, even if Redis and $store are away afterwards',
  async ({ fail }) => {
    store.isInDoubt.mockRejectedValue(new Unavailable('redis', new Error('Redis is away.')));
    fail();
    expect(await leaveSession(services, caller, sessionId)).toEqual({ type: 'session_left', sessionId });
    expect(deadlines.schedule).toHaveBeenCalledWith(sessionId, expect.any(Number));
    expect(written()).toEqual([]);
    expect(slots.leaveSession).not.toHaveBeenCalled();
  },
);

test('[FA1][FA3] while PostgreSQL is away, a leave that failed in Redis once is retried and announced', async () => {
  store.isInDoubt.mockRejectedValueOnce(new Unavailable('redis', new Error('Redis was slow.')));
  activity.lastMovement.mockRejectedValue(new Unavailable('database'));
  expect(await leaveSession(services, caller, sessionId)).toEqual({ type: 'session_left', sessionId });
  expect(order).toEqual(['membership', 'seat', 'told']);
});

test('[FA6] a programming error does not count as a store that is away', async () => {
  store.isInDoubt.mockRejectedValue(new Unavailable('redis', new Error('Redis is away.')));
  activity.lastMovement.mockRejectedValue(new Error('a bug'));
  await expect(leaveSession(services, caller, sessionId)).rejects.toThrow('a bug');
});

test('[PR18] while Redis is away, a leave does not end the stay of a connection that has joined again since', async () => {
  store.isInDoubt.mockRejectedValue(new Unavailable('redis', new Error('Redis is away.')));
  registry.members.mockResolvedValue([{ ...person, version: 6 }]);
  await leaveSession(services, caller, sessionId);
  expect(written()).toEqual([]);
  registry.members.mockResolvedValue([{ ...person, version: 4 }]);
  await leaveSession(services, caller, sessionId);
  expect(written()).toHaveLength(1);
});

test('[PR18] a leave gives back the slots of all joins before it in the connection table', async () => {
  let taken = 0;
  registry.leave.mockImplementation(async () => {
    await new Promise((resolve) => setTimeout(resolve, 5));
    taken = Date.now();
    return { version: 5, membership: { ...person, sessionId } };
  });
  await leaveSession(services, caller, sessionId);
  expect(store.depart.mock.calls[0]![2]).toBeGreaterThanOrEqual(taken);
});

describe('[PR18] a leave that is handled beside other frames of its connection', () => {
  const session = { id: sessionId };
  const users = [{ userId: person.userId, username: 'Ada' }];
  beforeEach(() => {
    registry.membership.mockResolvedValue({ ...person, sessionId, role: 'viewer' });
    sessions.authorize.mockResolvedValue({ session });
    store.list.mockResolvedValue({ ...told, seq: 7, leaves: [], receivers: [], users });
  });

  test.each([
    { where: 'in the table', overtake: () => registry.leave.mockRejectedValue(new Overtaken()) },
    { where: 'in Redis', overtake: () => store.depart.mockRejectedValue(new Overtaken()) },
  ])('is answered with the present state if a later join was handled before it $where', async ({ overtake }) => {
    overtake();
    const state = { type: 'session_joined', session, role: 'viewer', epoch: 'e', seq: 7, users };
    expect(await leaveSession(services, caller, sessionId, { order: 1 })).toEqual(state);
    expect(written()).toEqual([]);
    expect(slots.leaveSession).not.toHaveBeenCalled();
  });

  test('has effect if it was handled before the join and the frames have `order`', async () => {
    registry.leave.mockResolvedValue({ version: 5, membership: undefined });
    const left = { type: 'session_left', sessionId };
    expect(await leaveSession(services, caller, sessionId, { order: 1 })).toEqual(left);
    const unnumbered = leaveSession(services, caller, sessionId, { receivedAt: 1 });
    await expect(unnumbered).rejects.toMatchObject({ code: 'NOT_IN_SESSION' });
    expect(store.depart).not.toHaveBeenCalled();
  });
});
