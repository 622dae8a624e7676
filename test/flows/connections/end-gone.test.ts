import { endGone, endGoneReceivers } from '../../../lambdas/flows/connections/end-gone.ts';
import { Unavailable } from '../../../lambdas/platform/unavailable.ts';
import { testServices } from '../../support/test-services.ts';

const store = { close: jest.fn() };
// The end of a connection begins when its memberships are read, and is over when it is removed.
const registry = { ending: jest.fn(), removeGone: jest.fn() };
const deadlines = { schedule: jest.fn(async () => true) };
const services = testServices({ presence: { store }, registry, deadlines });

const receivers = Array.from({ length: 40 }, (_, index) => ({ userId: `u${index}`, connectionId: `c${index}` }));
const gone = receivers.slice(10).map(({ connectionId }) => connectionId);
const endedConnections = () => registry.removeGone.mock.calls.map(([connectionId]) => connectionId);

beforeEach(() => {
  jest.clearAllMocks();
  store.close.mockReset().mockResolvedValue(true);
  registry.ending.mockReset().mockResolvedValue({ memberships: [], gone: [] });
  registry.removeGone.mockReset().mockResolvedValue(undefined);
});

test('[DE6] receivers that are gone lose their seats, and other connections keep theirs', async () => {
  await endGoneReceivers(services, 's1', receivers, gone);
  expect(store.close.mock.calls.map(([seat]) => seat.connectionId)).toEqual(gone);
  expect(endedConnections()).toEqual(gone);
  expect(deadlines.schedule).toHaveBeenCalledTimes(1);
});

test('[DE6] if many frames find the same connections gone, each connection is ended once', async () => {
  const frames = 20;
  const tries = new Map<string, number>();
  // Different frames close the seats.
  store.close.mockImplementation(async ({ connectionId }) => {
    const earlier = tries.get(connectionId) ?? 0;
    tries.set(connectionId, earlier + 1);
    return earlier === gone.indexOf(connectionId) % frames;
  });
  await Promise.all(Array.from({ length: frames }, () => endGoneReceivers(services, 's1', receivers, gone)));
  expect(endedConnections().sort()).toEqual([...gone].sort());
});

test('[DE6] [FA4] at most eight connections are ended at the same time', async () => {
  let running = 0;
  let most = 0;
  registry.ending.mockImplementation(async () => {
    running += 1;
    most = Math.max(most, running);
    return { memberships: [], gone: [] };
  });
  registry.removeGone.mockImplementation(async () => {
    await Promise.resolve();
    running -= 1;
  });
  await endGone(services, [...gone, ...gone]);
  expect(endedConnections()).toEqual(gone);
  expect(most).toBe(8);
});

test('[FA1] while Redis is away, receivers that are gone keep their seats until the timeout', async () => {
  store.close.mockRejectedValue(new Unavailable('redis', new Error('Redis is away.')));
  await expect(endGoneReceivers(services, 's1', receivers, gone)).resolves.toBeUndefined();
  expect(registry.ending).not.toHaveBeenCalled();
});
