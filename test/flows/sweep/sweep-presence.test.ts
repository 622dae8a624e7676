import type { SweepCause } from '../../../lambdas/flows/scheduling/sweep-run.ts';
import { PresenceSweep, tickMillisOf } from '../../../lambdas/flows/sweep/sweep-presence.ts';
import { Unavailable } from '../../../lambdas/platform/unavailable.ts';
import { testServices } from '../../support/test-services.ts';

/** The times at which all sessions were restored, in Unix milliseconds. */
const recovered: number[] = [];
const deadlines = {
  lastRound: jest.fn(async () => Date.now()),
  size: jest.fn(async () => 1),
  noteRound: jest.fn(async () => {}),
  claim: jest.fn(async (): Promise<string[]> => []),
  release: jest.fn(async () => {}),
  isComplete: jest.fn(async () => true),
  markComplete: jest.fn(async () => {}),
  schedule: jest.fn(async () => true),
  /** Only the restoration of all sessions reads them all. */
  all: async () => {
    recovered.push(Date.now());
    return known;
  },
};
/** The sessions in the deadline index. */
let known: string[];
/** Reads the connection table, which a restoration needs. */
const members = jest.fn(async (): Promise<never[]> => []);
const own = 'this-sweep';
/** What the roster tells a sweep: all sweeps, and that no bound is near. */
const roster = (sweeps: string[] | undefined) => ({ sweeps, rate: { restraint: 1, dollarsPerHour: 0 } });
const leases = {
  join: jest.fn(async () => roster([own])),
  hold: jest.fn(async () => true),
  giveBack: jest.fn(async () => {}),
  leave: jest.fn(async () => {}),
  mayCall: jest.fn(async () => true),
};
/** The result of a visit of an empty session. */
const nobody = {
  ...{ epoch: 'e', seq: 1, parts: 1, joins: [], updates: [], leaves: [], receivers: [] },
  ...{ arrivals: [], departures: [], lastSeen: [], moves: false, nextDeadline: undefined },
  spending: { received: 0, sent: 0, pace: undefined },
};
const visit = jest.fn(async () => nobody);
const restore = jest.fn(async () => undefined);
const startFunction = jest.fn(async () => {});
/** The sessions with participants in PostgreSQL. */
async function* occupiedSessions() {
  yield ['occupied'];
}
const services = testServices({
  sweepQueries: { occupiedSessions },
  ...{ deadlines, shardLeases: leases, movingSessions: { of: async () => [] } },
  ...{ presence: { store: { visit, forget: async () => {}, restore } }, startFunction },
  ...{ registry: { members }, sessions: { getParticipants: async () => [] } },
});

const mocks = [deadlines.claim, deadlines.release, deadlines.schedule, ...Object.values(leases), visit, startFunction];
beforeEach(() => {
  jest.useFakeTimers();
  recovered.length = 0;
  known = [];
  members.mockReset().mockResolvedValue([]);
  restore.mockClear();
  deadlines.noteRound.mockClear();
  for (const mock of mocks) mock.mockClear();
  leases.join.mockReset().mockResolvedValue(roster([own]));
  deadlines.isComplete.mockReset().mockResolvedValue(true);
  deadlines.size.mockReset().mockResolvedValue(1);
  deadlines.claim.mockReset().mockResolvedValue([]);
  visit.mockReset().mockResolvedValue(nobody);
});
afterEach(() => jest.useRealTimers());

async function sweepFor(seconds: number, cause: SweepCause = 'arrival'): Promise<void> {
  const ends = Date.now() + seconds * 1000;
  const run = { id: own, cause, functionName: 'the sweep', remaining: () => ends - Date.now() };
  const sweep = new PresenceSweep(services, run).run();
  await jest.advanceTimersByTimeAsync(seconds * 1000);
  await sweep;
}

test('[FA1] when Redis is back, all sessions are restored, and again when all environments have noticed it', async () => {
  const back = Date.now() + 5000;
  leases.join.mockImplementation(async () => {
    if (Date.now() < back) throw new Unavailable('redis', new Error('Redis is away.'));
    return roster([own]);
  });
  await sweepFor(30);
  expect(recovered).toHaveLength(2);
  expect(recovered[0]! - back).toBeLessThanOrEqual(1000);
  expect(recovered[1]! - recovered[0]!).toBeGreaterThanOrEqual(2000);
  expect(recovered[1]! - recovered[0]!).toBeLessThanOrEqual(3000);
});

test('[FA1] until every session is restored no round is noted, and one that failed is tried again with each round', async () => {
  known = ['session'];
  const [back, whole] = [Date.now() + 5000, Date.now() + 8500];
  let firstNote = Number.POSITIVE_INFINITY;
  deadlines.noteRound.mockImplementation(async () => {
    firstNote = Math.min(firstNote, Date.now());
  });
  leases.join.mockImplementation(async () => {
    if (Date.now() < back) throw new Unavailable('redis', new Error('Redis is away.'));
    return roster([own]);
  });
  members.mockImplementation(async () => {
    if (Date.now() < whole) throw new Unavailable('connections', new Error('The table is away.'));
    return [];
  });
  await sweepFor(30);
  expect(recovered).toHaveLength(2);
  expect(restore.mock.calls.length).toBe(1);
  expect(firstNote - whole).toBeGreaterThanOrEqual(0);
  expect(firstNote - whole).toBeLessThanOrEqual(1000);
});

test.each([
  ['with a bug', 0, () => new Error('bug')],
  ['while a store is away for long', 60, () => new Unavailable('connections', new Error('The table is away.'))],
])(
  '[FA1] [PR12] a session that cannot be restored %s keeps others in doubt for at most a timeout',
  async (_, seconds, failure) => {
    known = ['session'];
    members.mockImplementation(() => Promise.reject(failure()));
    const began = Date.now();
    leases.join.mockRejectedValueOnce(new Unavailable('redis', new Error('Redis is away.')));
    let firstNote = Number.POSITIVE_INFINITY;
    deadlines.noteRound.mockImplementation(async () => {
      firstNote = Math.min(firstNote, Date.now());
    });
    await sweepFor(90);
    expect(services.timings.offlineAfterMillis).toBe(60_000);
    expect(firstNote - began).toBeGreaterThanOrEqual(seconds * 1000);
    expect(firstNote - began).toBeLessThanOrEqual(seconds * 1000 + 3000);
  },
);

test('[FA1] the sweep that noticed the outage restores all sessions, even if enough other sweeps run by then', async () => {
  const back = Date.now() + 5000;
  leases.join.mockImplementation(async () => {
    if (Date.now() < back) throw new Unavailable('redis', new Error('Redis is away.'));
    return roster(undefined);
  });
  await sweepFor(30);
  expect(recovered).toHaveLength(2);
  expect(deadlines.claim).not.toHaveBeenCalled();
});

test('a sweep ends if enough other sweeps run', async () => {
  leases.join.mockResolvedValue(roster(undefined));
  await sweepFor(30);
  expect(leases.join).toHaveBeenCalledTimes(1);
  expect(recovered).toEqual([]);
});

test('[FA2] without an outage of Redis no session is restored', async () => {
  await sweepFor(30);
  expect(recovered).toEqual([]);
});

test('[FA2] [PR12] a sweep does not end if Redis lost its data in the same round', async () => {
  let [isComplete, expected] = [true, 0];
  // The data is lost after the round has read the index, and before it reads the number of sessions.
  deadlines.size.mockImplementation(async () => {
    if (expected === 0) isComplete = false;
    return expected;
  });
  deadlines.isComplete.mockImplementation(async () => isComplete);
  deadlines.markComplete.mockImplementation(async () => {
    [isComplete, expected] = [true, 1];
  });
  await sweepFor(5);
  expect(deadlines.schedule.mock.calls).toEqual([['occupied', expect.any(Number)]]);
});

test('[PR12] within one tick a sweep claims sessions until none is due', async () => {
  const due = Array.from({ length: 1000 }, (_, index) => `session-${index}`);
  deadlines.claim.mockImplementation(async (...given: unknown[]) => due.splice(0, given[3] as number));
  await sweepFor((1.5 * tickMillisOf(services.timings)) / 1000);
  expect(visit).toHaveBeenCalledTimes(1000);
  expect(deadlines.release).toHaveBeenCalledTimes(1000);
  expect(startFunction).not.toHaveBeenCalled();
});

test('[PR12] a sweep visits at most two hundred sessions at the same time', async () => {
  let [running, most] = [0, 0];
  visit.mockImplementation(async () => {
    most = Math.max(most, ++running);
    await new Promise((resolve) => setTimeout(resolve, 5));
    running -= 1;
    return nobody;
  });
  const due = Array.from({ length: 1000 }, (_, index) => `session-${index}`);
  deadlines.claim.mockImplementation(async (...given: unknown[]) => due.splice(0, given[3] as number));
  await sweepFor(2);
  expect(visit).toHaveBeenCalledTimes(1000);
  expect(most).toBeGreaterThan(50);
  expect(most).toBeLessThanOrEqual(200);
});

describe('[PR12] if one tick is not enough', () => {
  beforeEach(() => {
    let session = 0;
    deadlines.claim.mockImplementation(async (...given: unknown[]) =>
      Array.from({ length: given[3] as number }, () => `session-${++session}`),
    );
    visit.mockImplementation(async () => {
      await new Promise((resolve) => setTimeout(resolve, 100));
      return nobody;
    });
  });

  test('another sweep is started within the first two seconds', async () => {
    await sweepFor(2);
    expect(startFunction).toHaveBeenCalledWith('the sweep', { cause: 'load' });
  });

  test('no sweep is started if one was started a moment ago or if enough run', async () => {
    leases.mayCall.mockResolvedValueOnce(false);
    await sweepFor(1.5);
    leases.join.mockResolvedValue(roster([own, 'b', 'c', 'd']));
    await sweepFor(3);
    expect(startFunction).not.toHaveBeenCalled();
  });

  test('a sweep that was started because of load starts its successor before its time is over', async () => {
    leases.join.mockResolvedValue(roster([own, 'b', 'c', 'd']));
    await sweepFor(3, 'load');
    expect(startFunction).toHaveBeenCalledTimes(1);
  });
});

test('a sweep that was started because of load ends after a time of little work, and the scheduled one continues', async () => {
  leases.join.mockResolvedValue(roster([own, 'other']));
  await sweepFor(40, 'load');
  const ticks = leases.join.mock.calls.length;
  expect(ticks).toBeGreaterThan(5);
  expect(ticks).toBeLessThan(30);
  await sweepFor(40, 'schedule');
  expect(leases.join.mock.calls.length - ticks).toBeGreaterThan(35);
});

test('[PR12] a session whose visit failed is visited again after five seconds', async () => {
  visit.mockRejectedValueOnce(new Error('a fault of one session'));
  deadlines.claim.mockResolvedValueOnce(['broken', 'well']);
  const now = Date.now();
  await sweepFor(1.5);
  const released = deadlines.release.mock.calls as unknown[][];
  expect(released.find(([sessionId]) => sessionId === 'broken')?.[2]).toBe(now + 5000);
  expect(released.find(([sessionId]) => sessionId === 'well')?.[2]).toBeUndefined();
});

test('[PR12] if a session cannot be released, its shard is given back and taken again, so that the session is due again', async () => {
  deadlines.claim.mockResolvedValueOnce(['stuck']);
  deadlines.release.mockRejectedValueOnce(new Unavailable('redis', new Error('Redis is away.')));
  await sweepFor(2.5);
  expect(leases.giveBack.mock.calls[0]).toEqual([0, own]);
  const order = [leases.giveBack.mock.invocationCallOrder[0]!, leases.hold.mock.invocationCallOrder.at(-1)!];
  expect(order[0]).toBeLessThan(order[1]!);
});
