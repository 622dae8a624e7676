import { randomUUID } from 'node:crypto';
import { MovementWriter } from '../../../lambdas/flows/journal/movement-writer.ts';
import { Unavailable } from '../../../lambdas/platform/unavailable.ts';
import type { Arrival, Departure } from '../../../lambdas/presence/outcome.ts';
import type { SlotRelease } from '../../../lambdas/sessions/release-slots.ts';
import { testServices } from '../../support/test-services.ts';

interface Entry {
  sessionId: string;
  userId: string;
  type: string;
  at: number;
}
const trail: Entry[] = [];
const refused = new Set<string>();
/** Users whose entries wait in the outbox. */
const deferred = new Set<string>();
const activity = {
  lastMovements: jest.fn(async (queries: { sessionId: string; userId: string; until: number }[]) =>
    queries.map((query) =>
      trail
        .filter((entry) => entry.sessionId === query.sessionId && entry.userId === query.userId)
        .filter((entry) => entry.at <= query.until)
        .toSorted((one, other) => other.at - one.at)
        .at(0),
    ),
  ),
  logActivities: jest.fn(async (entries: Entry[]) => {
    if (entries.some(({ userId }) => refused.has(userId))) throw new Error('The database refuses this.');
    trail.push(...entries.filter(({ userId }) => !deferred.has(userId)));
    return entries.map(({ userId }) => ({ isNew: true, isStored: !deferred.has(userId) }));
  }),
};
const sessions = { releaseSlots: jest.fn(async (_leaves: SlotRelease[]) => {}) };
const services = testServices({ activity, sessions });

beforeEach(() => {
  jest.clearAllMocks();
  trail.length = 0;
  refused.clear();
  deferred.clear();
});

const came = (userId: string, at: number, certain = true): Arrival => ({
  ...{ userId, at, certain, username: 'Ada', role: 'viewer', text: `${userId} came ${at}` },
});
const went = (userId: string, at: number, joinedAt: number): Departure & { isBack: boolean } => ({
  ...{ userId, at, joinedAt, cause: 'timeout', isBack: false, text: `${userId} went ${at}` },
});

test('[PR12] [PR9] many leaves of many sessions are recorded in few statements, and each is in the audit trail', async () => {
  const writer = new MovementWriter(services);
  const visits = Array.from({ length: 400 }, () => ({
    sessionId: randomUUID(),
    arrivals: [],
    departures: Array.from({ length: 10 }, () => went(randomUUID(), 2000, 1000)),
  }));
  const results = await Promise.all(visits.map((visit) => writer.write(visit)));
  expect(results.map(({ written }) => written.length)).toEqual(visits.map(() => 10));
  expect(trail).toHaveLength(4000);
  // The first write starts at once with one session; the others follow in batches of five hundred.
  const batches = 1 + 4000 / 500;
  for (const statement of [activity.lastMovements, activity.logActivities, sessions.releaseSlots]) {
    expect(statement.mock.calls.length).toBeLessThanOrEqual(batches + 1);
  }
});

test('[PR9] a user who joined and left twice has two stays in the audit trail, in order', async () => {
  const [sessionId, userId] = [randomUUID(), randomUUID()];
  const arrivals = [came(userId, 1000), came(userId, 3000)];
  const departures = [went(userId, 2000, 1000), went(userId, 4000, 3000)];
  await new MovementWriter(services).write({ sessionId, arrivals, departures });
  const told = trail.map(({ type, at }) => [type, at]).sort((one, other) => Number(one[1]) - Number(other[1]));
  expect(told).toEqual([
    ['user_joined', 1000],
    ['user_timeout', 2000],
    ['user_joined', 3000],
    ['user_timeout', 4000],
  ]);
});

test('[PR9] an uncertain join is recorded only if the audit trail has no join of the present stay', async () => {
  const [sessionId, known, unknown] = [randomUUID(), randomUUID(), randomUUID()];
  await new MovementWriter(services).write({ sessionId, arrivals: [came(known, 1000)], departures: [] });
  const arrivals = [came(known, 2000, false), came(unknown, 2000, false)];
  const { written } = await new MovementWriter(services).write({ sessionId, arrivals, departures: [] });
  expect(written).toEqual(arrivals);
  expect(trail.map(({ userId, at }) => [userId, at])).toEqual([
    [known, 1000],
    [unknown, 2000],
  ]);
});

test('[PR9] [AC3] a leave waits while its join is in the outbox, and other leaves do not wait', async () => {
  const writer = new MovementWriter(services);
  const [sessionId, ada, bob] = [randomUUID(), randomUUID(), randomUUID()];
  deferred.add(ada);
  const coming = came(ada, 1000);
  // Without `joinedAt` the audit trail decides whether this leave ends a stay.
  const going = { ...went(ada, 2000, 1000), joinedAt: undefined };
  const other = went(bob, 2000, 1000);
  const movements = { sessionId, arrivals: [coming], departures: [going, other] };
  expect((await writer.write(movements)).written).toEqual([other]);
  expect(sessions.releaseSlots.mock.calls.flat(2).map(({ personId }) => personId)).toEqual([bob]);
  deferred.clear();
  expect((await writer.write(movements)).written).toEqual([coming, going, other]);
  expect(trail.filter(({ userId }) => userId === ada).map(({ type }) => type)).toEqual(['user_joined', 'user_timeout']);
});

test('[AC1] if the database refuses the movements of one session, those of the others are recorded', async () => {
  const writer = new MovementWriter(services);
  const people = Array.from({ length: 5 }, () => randomUUID());
  refused.add(people[3]!);
  const write = (userId: string) =>
    writer.write({ sessionId: randomUUID(), arrivals: [], departures: [went(userId, 2000, 1000)] });
  const results = await Promise.all(people.map(write));
  expect(results.map(({ written, error }) => [written.length, error === undefined])).toEqual([
    [1, true],
    [1, true],
    [1, true],
    [0, false],
    [1, true],
  ]);
});

test('[FA3] while the database is away, no movement counts as recorded, and the writer does not retry each one', async () => {
  const writer = new MovementWriter(services);
  activity.logActivities.mockRejectedValue(new Unavailable('database', new Error('Away.')));
  const visits = Array.from({ length: 50 }, () => ({
    sessionId: randomUUID(),
    arrivals: [came(randomUUID(), 1000)],
    departures: [],
  }));
  const results = await Promise.all(visits.map((visit) => writer.write(visit)));
  expect(results.every(({ written, error }) => written.length === 0 && error !== undefined)).toBe(true);
  expect(activity.logActivities).toHaveBeenCalledTimes(2);
  activity.logActivities.mockReset();
});

test('[AC1] a slot is given back after its leave is recorded, and is kept if its holder is present again', async () => {
  const order: string[] = [];
  activity.logActivities.mockImplementationOnce(async (entries) => {
    order.push('written');
    return entries.map(() => ({ isNew: true, isStored: true }));
  });
  sessions.releaseSlots.mockImplementationOnce(async (leaves) => void order.push(`given back: ${leaves.length}`));
  const departures = [went(randomUUID(), 2000, 1000), { ...went(randomUUID(), 2000, 1000), isBack: true }];
  await new MovementWriter(services).write({ sessionId: randomUUID(), arrivals: [], departures });
  expect(order).toEqual(['written', 'given back: 1']);
});
