import type { APIGatewayProxyStructuredResultV2 } from 'aws-lambda';
import { defaultRoute } from '../../lambdas/handlers/default.ts';
import { contextWith, messageEvent } from '../adapters/socket-event.ts';
import { testServices } from '../support/test-services.ts';

const registry = { setCompact: jest.fn(), memberships: async () => [] };
const services = testServices({ registry, rateLimiter: { count: async () => {} } });

async function greet(message: object) {
  const answer = await defaultRoute(services)(messageEvent({ type: 'hello', ...message }), contextWith(5000));
  return JSON.parse((answer as APIGatewayProxyStructuredResultV2).body!);
}

beforeEach(() => registry.setCompact.mockReset().mockResolvedValue(true));

test('welcome has the identity of the user and the settings for the client', async () => {
  expect(await greet({ client: { name: 'any form' } })).toEqual({
    ...{ type: 'welcome', connectionId: 'c1', userId: '0190f1e2-6d0a-7c3b-8f4d-1a2b3c4d5e6f', username: 'Ada' },
    ...{ heartbeatSeconds: 30, timeoutSeconds: 60, awaySeconds: 120, batchMillis: 100 },
    ...{ rolloverSeconds: expect.any(Number), serverTime: expect.any(Number) },
  });
  expect(registry.setCompact).not.toHaveBeenCalled();
});

test('[CL2] the time until the replacement of a connection is between 105 and 117 minutes', async () => {
  for (const random of [0, 0.5, 0.999_999]) {
    jest.spyOn(Math, 'random').mockReturnValueOnce(random);
    const { rolloverSeconds } = await greet({});
    expect(rolloverSeconds).toBeGreaterThanOrEqual(105 * 60);
    expect(rolloverSeconds).toBeLessThanOrEqual(117 * 60);
  }
});

test('[DE8] if a client asks for a form of cursors, welcome names the form that it will get', async () => {
  expect(await greet({ format: 'compact' })).toMatchObject({ type: 'welcome', format: 'compact' });
  expect(await greet({ format: 'json' })).toMatchObject({ type: 'welcome', format: 'json' });
  expect(registry.setCompact.mock.calls).toEqual([
    ['c1', true],
    ['c1', false],
  ]);
});

test('[DE8] a connection that is no longer stored gets JSON and no error', async () => {
  registry.setCompact.mockResolvedValue(false);
  expect(await greet({ format: 'compact' })).toMatchObject({ type: 'welcome', format: 'json' });
});
