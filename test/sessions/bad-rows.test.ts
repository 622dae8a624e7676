import { setAsideMessage } from '../../lambdas/platform/environment.ts';
import { log } from '../../lambdas/platform/log.ts';
import { EarlyWarnings } from '../../lambdas/sessions/early-warnings.ts';
import { type SessionCleanupOptions, SessionCleanupService } from '../../lambdas/sessions/session-cleanup-service.ts';
import { refuseBadRows } from '../support/bad-rows.ts';
import { timeLimits } from '../support/time-limits.ts';
import { hour, minute, type SessionWorld, sessionWorld } from './support.ts';

let world: SessionWorld;
let rows: Awaited<ReturnType<typeof refuseBadRows>>;
let logged: jest.SpyInstance;

beforeEach(async () => {
  jest.spyOn(log, 'info').mockImplementation(() => {});
  logged = jest.spyOn(log, 'error').mockImplementation(() => {});
  world = await sessionWorld();
  rows = await refuseBadRows(world.database.pool, {
    ...{ collaboration_sessions: 'id', session_participants: 'session_id', purged_sessions: 'id' },
    session_foresight: 'session_id',
  });
});
afterEach(async () => {
  jest.restoreAllMocks();
  await world.close();
});

const service = (options: Partial<SessionCleanupOptions> = {}) =>
  new SessionCleanupService({ database: world.database.pool, timings: world.timings, clock: world.now, ...options });

async function fiveSessions(): Promise<string[]> {
  const ids: string[] = [];
  for (let n = 0; n < 5; n += 1) ids.push((await world.session()).id);
  return ids;
}

const count = async (from: string, ...values: unknown[]) =>
  (await world.database.pool.query(`SELECT count(*)::int AS count FROM ${from}`, values)).rows[0].count;
const withStatus = (status: string) => count('collaboration_sessions WHERE status = $1', status);

/** Ends all sessions by SQL, with their slots still taken. */
const endAll = (status: string) =>
  world.database.pool.query(`UPDATE collaboration_sessions SET status = $1, end_time = to_timestamp($2 / 1000.0)`, [
    status,
    world.now(),
  ]);

interface Case {
  step: string;
  prepare: () => Promise<unknown>;
  /** How many rows the step has not processed. */
  left: () => Promise<number>;
}

const cases: Case[] = [
  { step: 'expire', prepare: async () => world.pass(hour), left: () => withStatus('active') },
  {
    step: 'announce-expiry',
    prepare: () => endAll('expired'),
    left: () => count('collaboration_sessions WHERE expiry_announced_at IS NULL'),
  },
  {
    step: 'warn',
    prepare: async () => world.pass(57 * minute),
    left: () => count('collaboration_sessions WHERE warned_at IS NULL'),
  },
  {
    step: 'early-warning',
    prepare: async () => world.pass(20 * minute),
    left: async () => 5 - (await count('session_foresight')),
  },
  {
    step: 'close-orphan',
    prepare: () => endAll('completed'),
    left: () => count('session_participants WHERE left_at IS NULL'),
  },
  {
    step: 'purge',
    async prepare() {
      await endAll('completed');
      world.pass(25 * hour);
    },
    left: () => count('collaboration_sessions'),
  },
  {
    step: 'forget',
    async prepare() {
      await endAll('completed');
      world.pass(25 * hour);
      await service().runCleanup();
      world.pass(world.timings.activityRetentionMillis);
    },
    left: () => count('purged_sessions'),
  },
];

/**
 * Runs a sweep once, and again until its effect is there. PostgreSQL reports a failure before it releases the locks of the failed
 * statement, and a sweep skips locked rows. The next sweep processes them.
 */
async function repeatUntil(sweep: () => Promise<unknown>, isDone: () => Promise<boolean>): Promise<void> {
  const until = Date.now() + timeLimits.event;
  do await sweep();
  while (!(await isDone()) && Date.now() < until);
}

test.each(cases)(
  '[SE10] one row that cannot be updated is set aside, and the others are processed: $step',
  async (one) => {
    const ids = await fiveSessions();
    await one.prepare();
    await rows.spoil(ids[1]!);
    await service().runCleanup();
    expect(await one.left()).toBe(1);
    expect((await rows.aside()).map(({ step }) => step)).toContain(one.step);
    expect(logged).toHaveBeenCalledWith(setAsideMessage, expect.objectContaining({ step: one.step }));
    await rows.mend();
    await service().runCleanup();
    expect(await one.left()).toBe(1);
    world.pass(minute);
    logged.mockClear();
    await repeatUntil(
      () => service().runCleanup(),
      async () => (await one.left()) === 0,
    );
    expect(logged.mock.calls).toEqual([]);
    expect(await one.left()).toBe(0);
  },
);

test.each([
  ['expires', hour, () => withStatus('active')],
  ['is warned', 57 * minute, () => count('collaboration_sessions WHERE warned_at IS NULL')],
])(
  '[SE10] a session in which somebody is present, and whose time cannot be written, stays, and every other session %s',
  async (_, silence, left) => {
    const ids = await fiveSessions();
    world.pass(silence);
    const bad = ids[2]!;
    await rows.spoil(bad);
    await service({ lastSigns: async () => new Map([[bad, world.now()]]) }).runExpiry();
    expect(await left()).toBe(1);
    expect((await rows.aside()).map(({ id }) => id)).toContain(bad);
    expect(await count("collaboration_sessions WHERE id = $1 AND status = 'active'", bad)).toBe(1);
  },
);

test('[SE16] an early warning that cannot be noted is left out, and the others are noted', async () => {
  const ids = await fiveSessions();
  world.pass(20 * minute);
  await rows.spoil(ids[3]!);
  const warnings = new EarlyWarnings(world.database.pool, world.timings);
  const claimed = await warnings.claim(ids, world.now());
  expect(claimed.map(({ sessionId }) => sessionId)).toEqual(ids.toSpliced(3, 1));
  expect(await rows.aside()).toEqual([{ step: 'early-warning', id: ids[3], failures: 1 }]);
});

test('[SE10] any number of failing rows does not stop the processing of the others', async () => {
  const bad = await fiveSessions();
  world.pass(minute);
  const [good] = await fiveSessions();
  world.pass(hour);
  for (const id of bad) await rows.spoil(id);
  for (let runs = 0; runs < 2; runs += 1) await service({ batchSize: 2 }).runExpiry();
  for (let runs = 0; runs < 2; runs += 1) await service({ batchSize: 2 }).runExpiry();
  expect((await world.manager.getSession(good!)).status).toBe('expired');
  expect(await withStatus('active')).toBe(5);
});

test('[SE10] a row that fails again waits twice as long', async () => {
  const [id] = await fiveSessions();
  world.pass(hour);
  await rows.spoil(id!);
  await service().runExpiry();
  for (const [wait, failures] of [
    [minute, 2],
    [minute, 2],
    [minute, 3],
    [3 * minute, 3],
    [minute, 4],
  ]) {
    world.pass(wait!);
    await repeatUntil(
      () => service().runExpiry(),
      async () => (await rows.aside())[0]?.failures === failures,
    );
    expect(await rows.aside()).toEqual([{ step: 'expire', id, failures }]);
  }
});

test('[SE6] if the audit trail refuses the entry of one session, the other sessions are announced', async () => {
  const ids = await fiveSessions();
  world.pass(hour);
  const told: string[] = [];
  await service({
    async recordExpired(sessions) {
      if (sessions.some(({ sessionId }) => sessionId === ids[2])) throw new Error('refused');
    },
    onExpired: async ({ sessionId }) => void told.push(sessionId),
  }).runExpiry();
  expect(told.sort()).toEqual(ids.filter((id) => id !== ids[2]).sort());
  expect(await rows.aside()).toEqual([{ step: 'announce-expiry', id: ids[2], failures: 1 }]);
});

test('[SE10] the number of statements does not grow with the expired sessions, except for one check before each announcement', async () => {
  const statements = async (sessions: number) => {
    await world.database.pool.query(`UPDATE collaboration_sessions SET last_active_at = start_time`);
    for (let n = 0; n < sessions; n += 1) await world.session();
    world.pass(hour);
    let counted = 0;
    const database = {
      query: (...parameters: [string]) => {
        counted += 1;
        return world.database.pool.query(...parameters);
      },
    } as unknown as SessionCleanupOptions['database'];
    const onExpired: SessionCleanupOptions['onExpired'] = async (_, isStillExpired) => void (await isStillExpired());
    expect(await service({ database, onExpired }).runExpiry()).toBe(sessions);
    return counted - sessions;
  };
  const one = await statements(1);
  expect(await statements(100)).toBe(one);
});
