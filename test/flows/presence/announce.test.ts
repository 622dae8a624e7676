import { announce } from '../../../lambdas/flows/presence/announce.ts';
import { Unavailable } from '../../../lambdas/platform/unavailable.ts';
import type { PresenceOutcome } from '../../../lambdas/presence/outcome.ts';
import { testServices } from '../../support/test-services.ts';

const store = { noteFailedPosts: jest.fn(async () => {}) };
const [broadcast, post] = [jest.fn(), jest.fn()];
const log = { debug: jest.fn(), warn: jest.fn() };
const services = testServices({ broadcaster: { broadcast, post }, presence: { store }, log });

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
  expect(store.noteFailedPosts).toHaveBeenCalledTimes(times);
});

test('[FA1] a diff counts as sent even if Redis cannot store the longer window', async () => {
  broadcast.mockResolvedValue({ delivered: 1, gone: [], failed: [], throttled: 1 });
  store.noteFailedPosts.mockRejectedValueOnce(new Unavailable('redis', new Error('Redis is away.')));
  await expect(announce(services, 's1', outcome)).resolves.toBeUndefined();
});

test.each([
  [['c2'], 1, [{ isThrottled: true, movers: ['u1'] }]],
  [['c2'], 0, [{ isThrottled: false, movers: ['u1'] }]],
  [[], 0, []],
])(
  '[DE6] if posts of a cursor failed at %j, %i of them throttled, its user shows it again',
  async (failed, throttled, noted) => {
    post.mockResolvedValue({ delivered: 1, gone: [], failed, throttled });
    const cursor = { userId: 'u1', cursor: { position: 1 }, at: 1, index: 1, whole: true };
    const batch = { epoch: 'e', cursors: [cursor], receivers: outcome.receivers };
    await announce(services, 's1', { ...outcome, leaves: [], receivers: [], batch } as unknown as PresenceOutcome);
    expect(post).toHaveBeenCalledTimes(1);
    expect(store.noteFailedPosts.mock.calls.map(([, each]: unknown[]) => each)).toEqual(noted);
  },
);

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
