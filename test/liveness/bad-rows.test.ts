import { writeLastSeen } from '../../lambdas/flows/sweep/last-seen-updates.ts';
import { ActivityCache } from '../../lambdas/liveness/activity-cache.ts';
import { deactivateTimedOut } from '../../lambdas/liveness/timeout.ts';
import { setAsideMessage } from '../../lambdas/platform/environment.ts';
import { SweepQueries } from '../../lambdas/sessions/sweep-queries.ts';
import { refuseBadRows } from '../support/bad-rows.ts';
import { testServices } from '../support/test-services.ts';
import { createWorld, type World } from './support.ts';

const start = Date.UTC(2026, 0, 1);
const later = start + 60 * 60_000;
let world: World;
let owner: string;
let rows: Awaited<ReturnType<typeof refuseBadRows>>;

beforeEach(async () => {
  world = await createWorld();
  rows = await refuseBadRows(world.pool, { collaboration_sessions: 'id', machines: 'machine_id' });
  owner = await world.user();
});
afterEach(() => world.drop());

const five = <T>(make: () => Promise<T>) => Promise.all(Array.from({ length: 5 }, make));

test.each(['session', 'machine'] as const)(
  '[LC6] a %s that cannot be deactivated is set aside, and the others become inactive',
  async (kind) => {
    const ids = await five(() => world[kind](owner, start));
    await rows.spoil(ids[3]!);
    expect(await deactivateTimedOut(later, { pool: world.pool })).toHaveLength(4);
    expect(await rows.aside()).toEqual([{ step: `silent-${kind}`, id: ids[3], failures: 1 }]);
    await rows.mend();
    expect(await deactivateTimedOut(later + 59_999, { pool: world.pool })).toEqual([]);
    expect(await deactivateTimedOut(later + 60_000, { pool: world.pool })).toHaveLength(1);
  },
);

test('[LC3] a sign of life that the database refuses is left out, and the others of the batch are written', async () => {
  const ids = await five(() => world.session(owner, start));
  let time = start;
  const cache = new ActivityCache({ pool: world.pool, clock: () => time });
  for (const id of ids) await cache.isSessionValid(id, owner);
  await rows.spoil(ids[0]!);
  time = later;
  for (const id of ids) cache.queueSessionUpdate(id, later);
  await cache.flush();
  const times = await Promise.all(ids.map(async (id) => (await world.liveness(id))?.activeAt));
  expect(times).toEqual([start, later, later, later, later]);
  await rows.mend();
  time = later + 31_000;
  expect(cache.queueSessionUpdate(ids[0]!, time)).toBe(true);
  await cache.shutdown();
  expect(await world.liveness(ids[0]!)).toMatchObject({ activeAt: time });
});

test('[PR12] if the last sign of life of one user cannot be written, those of the others are', async () => {
  const ids = await five(() => world.session(owner, start));
  await rows.spoil(ids[4]!);
  const log = { error: jest.fn(), warn: jest.fn(), info: jest.fn(), debug: jest.fn() };
  const sweepQueries = new SweepQueries(world.pool, world.pool);
  const seen = ids.map((sessionId) => ({ sessionId, userId: owner, at: later }));
  await writeLastSeen(testServices({ log, sweepQueries }), seen);
  const times = await Promise.all(ids.map(async (id) => (await world.liveness(id))?.activeAt));
  expect(times).toEqual([later, later, later, later, start]);
  expect(log.error).toHaveBeenCalledTimes(1);
  expect(log.error).toHaveBeenCalledWith(setAsideMessage, expect.objectContaining({ id: `${ids[4]}:${owner}` }));
});
