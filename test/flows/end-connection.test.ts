import { randomUUID } from 'node:crypto';
import type { APIGatewayProxyWebsocketEventV2 } from 'aws-lambda';
import { handler } from '../../lambdas/disconnect.ts';
import { endConnection } from '../../lambdas/flows/end-connection.ts';
import { timings } from '../../lambdas/runtime/timings.ts';

const registry = { remove: jest.fn(), memberships: jest.fn() };
const store = { close: jest.fn(), isKnown: jest.fn() };

jest.mock('../../lambdas/runtime/delivery.ts', () => ({ registry: () => registry }));
jest.mock('../../lambdas/runtime/presence.ts', () => ({ presence: () => ({ store }) }));
jest.mock('../../lambdas/flows/sweep-waker.ts', () => ({ expectVisit: jest.fn(async () => {}) }));

const { expectVisit } = jest.requireMock('../../lambdas/flows/sweep-waker.ts');
const joined = [randomUUID(), randomUUID()].map((sessionId) => ({ sessionId, userId: 'u1', connectionId: 'c1' }));

beforeEach(() => {
  jest.clearAllMocks();
  registry.memberships.mockReset().mockResolvedValueOnce(joined).mockResolvedValue([]);
  registry.remove.mockReset().mockResolvedValue([]);
  store.isKnown.mockReset().mockResolvedValue(true);
  store.close.mockReset().mockResolvedValue(true);
});

test('[PR7] every seat of the connection gets its grace, and the sweep is told when it ends', async () => {
  const before = Date.now();
  await endConnection('c1', 'disconnected', 15_000);
  expect(store.close.mock.calls.map(([seat]) => seat)).toEqual(joined);
  expect(registry.remove.mock.calls).toEqual([['c1']]);
  for (const [, deadline, cause, now] of store.close.mock.calls) {
    expect(deadline - now).toBe(15_000);
    expect(now).toBeGreaterThanOrEqual(before);
    expect(cause).toBe('disconnected');
  }
  expect(expectVisit.mock.calls).toEqual(
    joined.map(({ sessionId }, index) => [sessionId, store.close.mock.calls[index]![1]]),
  );
});

test('[FA5] a doubled event, or one of a connection that joined nothing, does nothing', async () => {
  await endConnection('c1', 'disconnected', 15_000);
  await endConnection('c1', 'disconnected', 15_000);
  expect(store.close).toHaveBeenCalledTimes(joined.length);
});

test('[PR8] a seat Redis does not know any more is not waited for', async () => {
  store.close.mockResolvedValue(false);
  await endConnection('c1', 'disconnected', 15_000);
  expect(expectVisit).not.toHaveBeenCalled();
});

test('[FA2][PR7] a seat that another frame brought back meanwhile gets its grace, too', async () => {
  store.close.mockResolvedValueOnce(false).mockResolvedValueOnce(false);
  await endConnection('c1', 'disconnected', 15_000);
  expect(expectVisit.mock.calls.map(([sessionId]: [string]) => sessionId)).toEqual(
    joined.map(({ sessionId }) => sessionId),
  );
});

test.each([
  [1000, timings.cleanCloseGraceMillis],
  [1001, timings.cleanCloseGraceMillis],
  [1005, timings.cleanCloseGraceMillis],
  [1006, timings.graceMillis],
  [1011, timings.graceMillis],
  [undefined, timings.graceMillis],
])('[PR7] after close code %s the grace is %i ms', async (disconnectStatusCode, graceMillis) => {
  const requestContext = { connectionId: 'c1', disconnectStatusCode };
  await handler({ requestContext } as unknown as APIGatewayProxyWebsocketEventV2);
  const [, deadline, , now] = store.close.mock.calls[0]!;
  expect(deadline - now).toBe(graceMillis);
});

test('[PR7] three and fifteen seconds are the graces of a clean close and of a broken socket', () => {
  expect([timings.cleanCloseGraceMillis, timings.graceMillis]).toEqual([3000, 15_000]);
});
