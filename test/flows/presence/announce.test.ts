import { announce } from '../../../lambdas/flows/presence/announce.ts';
import { Unavailable } from '../../../lambdas/platform/unavailable.ts';
import type { PresenceOutcome } from '../../../lambdas/presence/outcome.ts';
import { testServices } from '../../support/test-services.ts';

const store = { stretch: jest.fn(async () => {}) };
const broadcast = jest.fn();
const log = { debug: jest.fn(), warn: jest.fn() };
const services = testServices({ broadcaster: { broadcast }, presence: { store }, log });

const leave = { userId: 'u1', cause: 'left' } as const;
const outcome: PresenceOutcome = {
  ...{ epoch: 'e', seq: 4, parts: 1, joins: [], updates: [], leaves: [leave] },
  receivers: [{ userId: 'u2', connectionId: 'c2' }],
} as unknown as PresenceOutcome;

beforeEach(() => jest.clearAllMocks());

test.each([
  [3, 1],
  [0, 0],
])('[DE6] a diff of which %i posts were throttled makes the windows longer %i times', async (throttled, times) => {
  broadcast.mockResolvedValue({ delivered: 1, gone: [], failed: [], throttled });
  await announce(services, 's1', outcome);
  expect(broadcast).toHaveBeenCalledTimes(1);
  expect(store.stretch).toHaveBeenCalledTimes(times);
});

test('[FA1] a diff counts as sent even if Redis cannot store the longer window', async () => {
  broadcast.mockResolvedValue({ delivered: 1, gone: [], failed: [], throttled: 1 });
  store.stretch.mockRejectedValueOnce(new Unavailable('redis', new Error('Redis is away.')));
  await expect(announce(services, 's1', outcome)).resolves.toBeUndefined();
});

test('each change is logged at DEBUG, even without receivers', async () => {
  const changes = {
    joins: [{ userId: 'u1' }],
    updates: [{ userId: 'u2', status: 'away' }],
    leaves: [{ userId: 'u3', cause: 'timeout' }],
  };
  await announce(services, 's1', { ...outcome, ...changes, receivers: [] } as unknown as PresenceOutcome);
  expect(log.debug.mock.calls).toEqual([
    ['[PresenceManager] User u1 joined session s1'],
    ['[PresenceManager] User u2 changed in session s1', { change: { status: 'away' } }],
    ['[PresenceManager] User u3 left session s1: timeout'],
  ]);
  expect(broadcast).not.toHaveBeenCalled();
});
