import { randomUUID } from 'node:crypto';
import { recordDeparture } from '../../../lambdas/flows/journal/departures.ts';
import { slotsOneByOne, trailOneByOne } from '../../support/one-by-one.ts';
import { testServices } from '../../support/test-services.ts';

const activity = { logActivity: jest.fn(), lastMovement: jest.fn() };
const sessions = { leaveSession: jest.fn() };
const services = testServices({ activity: trailOneByOne(activity), sessions: slotsOneByOne(sessions) });

const [sessionId, userId] = [randomUUID(), randomUUID()];
const joinedAt = 1_900_000_000_000;
const at = joinedAt + 30_000;
const came = { type: 'user_joined', at: joinedAt };
const went = (when: number) => ({ type: 'user_left', at: when });

beforeEach(() => {
  jest.resetAllMocks();
  activity.logActivity.mockResolvedValue({ isStored: true });
});

const written = () => activity.logActivity.mock.calls.map(([, , type, details]) => [type, details]);

test.each([
  ['that presence recorded', { joinedAt }, came, true],
  ['whose join waits in the outbox', { joinedAt }, undefined, true],
  ['whose join waits in the outbox, after an earlier stay', { joinedAt }, went(joinedAt - 1), true],
  ['that is already recorded', { joinedAt }, went(joinedAt + 1), false],
  ['that was restored', { joinedAt, restored: true }, came, true],
  ['that was restored, after a recorded leave', { joinedAt, restored: true }, went(joinedAt - 1), false],
  ['without a known join', {}, came, true],
  ['without a known join, of a user without a recorded join', {}, undefined, false],
  ['without a known join, after a recorded leave', {}, went(joinedAt + 1), false],
])('[PR9] the end of a stay %s is recorded exactly once', async (_, known, last, told) => {
  activity.lastMovement.mockResolvedValue(last);
  await recordDeparture(services, sessionId, { userId, cause: 'left', at, ...known });
  expect(written().map(([type]) => type)).toEqual(told ? ['user_left'] : []);
  expect(sessions.leaveSession).toHaveBeenCalledWith(sessionId, userId, 'left', { joinedUntil: at });
});

test('[PR9] the duration of a stay counts from the join in the audit trail', async () => {
  activity.lastMovement.mockResolvedValue({ type: 'user_joined', at: at - 12_000 });
  await recordDeparture(services, sessionId, { userId, cause: 'disconnected', at, joinedAt });
  expect(written()).toEqual([['user_left', { cause: 'disconnected', durationSeconds: 12 }]]);
});

test('[AC1] a leave is recorded before its slot is given back, with the same id each time', async () => {
  const order: string[] = [];
  activity.lastMovement.mockResolvedValue(came);
  activity.logActivity.mockImplementation(async () => ({ isStored: order.push('written') > 0 }));
  sessions.leaveSession.mockImplementation(async () => void order.push('given back'));
  await recordDeparture(services, sessionId, { userId, cause: 'timeout', at, joinedAt });
  await recordDeparture(services, sessionId, { userId, cause: 'timeout', at, joinedAt });
  expect(order).toEqual(['written', 'given back', 'written', 'given back']);
  expect(new Set(activity.logActivity.mock.calls.map((call) => call[4].activityId)).size).toBe(1);
});

test('[PR9] if two tabs leave at the same time while Redis is away, both entries have the same id', async () => {
  activity.lastMovement.mockResolvedValue(came);
  await Promise.all(
    [at, at + 85].map((when) => recordDeparture(services, sessionId, { userId, cause: 'left', at: when })),
  );
  const ids = activity.logActivity.mock.calls.map((call) => call[4].activityId);
  expect(ids).toHaveLength(2);
  expect(new Set(ids).size).toBe(1);
});

test('[AC3] recording a leave returns false if its entry waits in the outbox', async () => {
  activity.lastMovement.mockResolvedValue(came);
  activity.logActivity.mockResolvedValue({ isStored: false });
  expect(await recordDeparture(services, sessionId, { userId, cause: 'left', at, joinedAt })).toBe(false);
});
