import { randomUUID } from 'node:crypto';
import type { Caller } from '../../../lambdas/flows/callers/caller.ts';
import { rememberChoice } from '../../../lambdas/flows/presence/remember-choice.ts';
import { Unavailable } from '../../../lambdas/platform/unavailable.ts';
import { testServices } from '../../support/test-services.ts';

const registry = { setInvisible: jest.fn() };
const services = testServices({ registry });

const person = { userId: randomUUID(), username: 'Ada', scopes: [], ipAddress: null, userAgent: null };
const caller: Caller = { connectionId: 'c1', ...person };
const sessionId = randomUUID();
const seat = { connectionId: 'c1', userId: person.userId, sessionId };

beforeEach(() => registry.setInvisible.mockReset());

test('[PR5] the choice to be invisible is stored until another choice, and other choices are not stored', async () => {
  registry.setInvisible.mockResolvedValue(undefined);
  for (const status of ['offline', 'away', 'online'] as const)
    await rememberChoice(services, caller, sessionId, status, 7);
  expect(registry.setInvisible.mock.calls).toEqual([
    [seat, true, 7],
    [seat, false, 7],
    [seat, false, 7],
  ]);
});

test('[FA4] while the connection table is away, a choice is stored only in Redis', async () => {
  registry.setInvisible.mockRejectedValue(new Unavailable('connections', new Error('away')));
  await expect(rememberChoice(services, caller, sessionId, 'offline', 7)).resolves.toBeUndefined();
  registry.setInvisible.mockRejectedValue(new Error('a bug'));
  await expect(rememberChoice(services, caller, sessionId, 'offline', 7)).rejects.toThrow('a bug');
});
