import { announce } from '../../lambdas/flows/announce.ts';
import type { PresenceOutcome } from '../../lambdas/presence/outcome.ts';
import { RollcallError } from '../../protocol/errors.ts';

const store = { stretch: jest.fn(async () => {}) };
const broadcast = jest.fn();

jest.mock('../../lambdas/runtime/delivery.ts', () => ({ broadcaster: () => ({ broadcast }) }));
jest.mock('../../lambdas/runtime/presence.ts', () => ({ presence: () => ({ store }) }));

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
  await announce('s1', outcome);
  expect(broadcast).toHaveBeenCalledTimes(1);
  expect(store.stretch).toHaveBeenCalledTimes(times);
});

test('[FA1] a diff that went out stays sent where Redis cannot be told to slow down', async () => {
  broadcast.mockResolvedValue({ delivered: 1, gone: [], failed: [], throttled: 1 });
  store.stretch.mockRejectedValueOnce(new RollcallError('UNAVAILABLE', 'Redis is away.'));
  await expect(announce('s1', outcome)).resolves.toBeUndefined();
});
