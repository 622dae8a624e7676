import { randomUUID } from 'node:crypto';
import { roleByClaim } from '../../../lambdas/flows/callers/role-by-claim.ts';
import type { AccessClaim } from '../../../protocol/access-claim.ts';
import type { Role } from '../../../protocol/entities.ts';
import { testServices } from '../../support/test-services.ts';

const claim: AccessClaim = { 'doc-1': 'viewer' };
const membership = jest.fn<Promise<{ claimedRole?: Role } | undefined>, [connectionId: string, sessionId: string]>();
const services = testServices({ registry: { membership } });
let sessionId: string;

beforeEach(() => {
  membership.mockReset();
  sessionId = randomUUID();
});

const ask = (connectionId: string) => roleByClaim(services, { connectionId, claim }, sessionId);

test('[SE12] the connection table is read once for each connection and session', async () => {
  membership.mockImplementation(async (connectionId) => ({
    claimedRole: connectionId === 'a' ? 'viewer' : 'commenter',
  }));
  for (let frame = 0; frame < 3; frame += 1) {
    expect(await ask('a')).toBe('viewer');
    expect(await ask('b')).toBe('commenter');
  }
  expect(membership.mock.calls).toEqual([
    ['a', sessionId],
    ['b', sessionId],
  ]);
});

test('[SE12] without a claim it is not read', async () => {
  expect(await roleByClaim(services, { connectionId: 'a', claim: undefined }, sessionId)).toBeUndefined();
  expect(membership).not.toHaveBeenCalled();
});

test('[SE12] a connection that has not joined is looked up again', async () => {
  membership.mockResolvedValueOnce(undefined).mockResolvedValueOnce({ claimedRole: 'operator' });
  expect(await ask('a')).toBeUndefined();
  expect(await ask('a')).toBe('operator');
});
