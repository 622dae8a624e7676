import { sweepPresence } from '../../lambdas/flows/sweep-presence.ts';
import { RollcallError } from '../../protocol/errors.ts';

const deadlines = {
  lastRound: jest.fn(async () => Date.now()),
  size: jest.fn(async () => 1),
  noteRound: jest.fn(async () => {}),
};
const recovered: number[] = [];
const holdLease = jest.fn();
const visits = jest.fn(async () => []);

jest.mock('../../lambdas/runtime/presence.ts', () => ({ deadlines: () => deadlines }));
jest.mock('../../lambdas/runtime/sweep-lease.ts', () => ({
  holdLease: () => holdLease(),
  releaseLease: async () => {},
}));
jest.mock('../../lambdas/flows/housekeeping.ts', () => ({ checkLiveness: async () => {} }));
jest.mock('../../lambdas/flows/sightings.ts', () => ({ writeSightings: async () => {} }));
jest.mock('../../lambdas/flows/visit-sessions.ts', () => ({ visitDueSessions: () => visits() }));
jest.mock('../../lambdas/flows/recover-presence.ts', () => ({
  recoverPresence: async () => void recovered.push(Date.now()),
  relearnIndex: async () => {},
}));

beforeEach(() => {
  jest.useFakeTimers();
  recovered.length = 0;
});
afterEach(() => jest.useRealTimers());

async function sweepFor(seconds: number): Promise<void> {
  const ends = Date.now() + seconds * 1000;
  const sweep = sweepPresence({ remaining: () => ends - Date.now() });
  await jest.advanceTimersByTimeAsync(seconds * 1000);
  await sweep;
}

test('[FA1] once Redis is back all is brought back, and again when every environment has noticed', async () => {
  const back = Date.now() + 5000;
  holdLease.mockImplementation(async () => {
    if (Date.now() < back) throw new RollcallError('UNAVAILABLE', 'Redis is away.');
    return true;
  });
  await sweepFor(30);
  expect(recovered).toHaveLength(2);
  expect(recovered[0]! - back).toBeLessThanOrEqual(1000);
  expect(recovered[1]! - recovered[0]!).toBeGreaterThanOrEqual(2000);
  expect(recovered[1]! - recovered[0]!).toBeLessThanOrEqual(3000);
});

test('[FA1] that is done by the sweep that saw the outage, although another one has the lease by then', async () => {
  const back = Date.now() + 5000;
  holdLease.mockImplementation(async () => {
    if (Date.now() < back) throw new RollcallError('UNAVAILABLE', 'Redis is away.');
    return false;
  });
  visits.mockClear();
  await sweepFor(30);
  expect(recovered).toHaveLength(2);
  expect(visits).not.toHaveBeenCalled();
});

test('a sweep that finds another one at work ends', async () => {
  holdLease.mockReset().mockResolvedValue(false);
  await sweepFor(30);
  expect(holdLease).toHaveBeenCalledTimes(1);
  expect(recovered).toEqual([]);
});

test('[FA2] where Redis was there all the time nothing is brought back', async () => {
  holdLease.mockResolvedValue(true);
  await sweepFor(30);
  expect(recovered).toEqual([]);
});
