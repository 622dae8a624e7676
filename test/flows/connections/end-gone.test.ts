import { endGone, endGoneReceivers } from '../../../lambdas/flows/connections/end-gone.ts';
import { Unavailable } from '../../../lambdas/platform/unavailable.ts';

const store = { close: jest.fn() };

jest.mock('../../../lambdas/services/presence.ts', () => ({ presence: () => ({ store }) }));
jest.mock('../../../lambdas/flows/connections/end-connection.ts', () => ({ endConnection: jest.fn(async () => {}) }));
jest.mock('../../../lambdas/flows/scheduling/sweep-waker.ts', () => ({ expectVisit: jest.fn(async () => {}) }));

const { endConnection } = jest.requireMock('../../../lambdas/flows/connections/end-connection.ts');
const { expectVisit } = jest.requireMock('../../../lambdas/flows/scheduling/sweep-waker.ts');
const receivers = Array.from({ length: 40 }, (_, index) => ({ userId: `u${index}`, connectionId: `c${index}` }));
const gone = receivers.slice(10).map(({ connectionId }) => connectionId);
const endedConnections = () => endConnection.mock.calls.map(([connectionId]: [string]) => connectionId);

beforeEach(() => {
  jest.clearAllMocks();
  store.close.mockReset().mockResolvedValue(true);
});

test('[DE6] receivers that are gone lose their seats, and nobody else', async () => {
  await endGoneReceivers('s1', receivers, gone);
  expect(store.close.mock.calls.map(([seat]) => seat.connectionId)).toEqual(gone);
  expect(endedConnections()).toEqual(gone);
  expect(expectVisit).toHaveBeenCalledTimes(1);
});

test('[DE6] of many frames that find the same connections gone at once each connection is ended by one', async () => {
  const seats = new Set(gone);
  store.close.mockImplementation(async ({ connectionId }) => seats.delete(connectionId));
  await Promise.all(Array.from({ length: 20 }, () => endGoneReceivers('s1', receivers, gone)));
  expect(endedConnections().sort()).toEqual([...gone].sort());
});

test('[DE6] [FA4] never are more than eight connections ended at once', async () => {
  let running = 0;
  let most = 0;
  endConnection.mockImplementation(async () => {
    running += 1;
    most = Math.max(most, running);
    await Promise.resolve();
    running -= 1;
  });
  await endGone([...gone, ...gone]);
  expect(endedConnections()).toEqual(gone);
  expect(most).toBe(8);
});

test('[FA1] while Redis is away receivers that are gone are left to their time-out', async () => {
  store.close.mockRejectedValue(new Unavailable('redis', new Error('Redis is away.')));
  await expect(endGoneReceivers('s1', receivers, gone)).resolves.toBeUndefined();
  expect(endConnection).not.toHaveBeenCalled();
});
