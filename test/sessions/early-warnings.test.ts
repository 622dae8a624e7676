import { randomUUID } from 'node:crypto';
import { EarlyWarnings } from '../../lambdas/sessions/early-warnings.ts';
import { type SessionCleanupOptions, SessionCleanupService } from '../../lambdas/sessions/session-cleanup-service.ts';
import type { ExpiringSession } from '../../lambdas/sessions/sweep-repository.ts';
import { readTimings } from '../../protocol/timings.ts';
import { SeededRandom } from '../harness/seeded-random.ts';
import { hour, minute, type SessionWorld, sessionWorld } from './support.ts';

let world: SessionWorld;
let warned: ExpiringSession[];

beforeEach(async () => {
  world = await sessionWorld();
  warned = [];
});
afterEach(() => world.close());

const service = (more: Partial<SessionCleanupOptions> = {}) =>
  new SessionCleanupService({
    database: world.database.pool,
    timings: world.timings,
    clock: world.now,
    onExpiring: async (session) => void warned.push(session),
    ...more,
  });

type Entry = [type: string, at: number];
const entry = (sessionId: string, [type, at]: Entry) =>
  world.database.pool.query(
    `INSERT INTO activity_log (session_id, user_id, activity_type, created_at)
     VALUES ($1, $2, $3, to_timestamp($4::float8 / 1000))`,
    [sessionId, type === 'session_expired' ? null : randomUUID(), type, at],
  );

/** Adds an ended session of the owner with these silences in minutes; an infinite one ends in the expiry. */
async function past(ownerId: string, silences: readonly number[], purged = false): Promise<string> {
  const id = randomUUID();
  let at = world.now() - 20 * hour;
  const startedAt = at;
  const entries: Entry[] = [['user_joined', at]];
  for (const silence of silences) {
    at += minute;
    entries.push(['user_left', at]);
    at += (Number.isFinite(silence) ? silence : 60) * minute;
    entries.push([Number.isFinite(silence) ? 'user_joined' : 'session_expired', at]);
  }
  for (const each of entries) await entry(id, each);
  const table = purged
    ? `INSERT INTO purged_sessions (id, session_id, operation_id, owner_id, purged_at) VALUES ($1, $2, 'op', $3, to_timestamp($4::float8 / 1000))`
    : `INSERT INTO collaboration_sessions (id, session_id, operation_id, owner_id, status, active, start_time, last_active_at, end_time, expiry_announced_at)
       VALUES ($1, $2, 'op', $3, 'expired', false, to_timestamp($4::float8 / 1000), to_timestamp($4::float8 / 1000), to_timestamp($4::float8 / 1000), now())`;
  await world.database.pool.query(table, [id, id, ownerId, startedAt]);
  return id;
}

const never = Number.POSITIVE_INFINITY;

test('[SE16] if nobody ever came back to the sessions of an owner, the participants are warned early and again at the usual time', async () => {
  const { id, ownerId } = await world.session();
  for (let index = 0; index < 12; index += 1) await past(ownerId, [never], index % 2 === 0);
  const expiresAt = world.now() + hour;
  world.pass(5 * minute - 1);
  await service().runExpiry();
  expect(warned).toEqual([]);
  world.pass(11 * minute);
  await service().runExpiry();
  expect(warned).toEqual([{ sessionId: id, ownerId, expiresAt, early: true }]);
  world.pass(20 * minute);
  await service().runExpiry();
  expect(warned).toHaveLength(1);
  world.pass(20 * minute);
  await service().runExpiry();
  expect(warned.slice(1)).toEqual([{ sessionId: id, ownerId, expiresAt }]);
});

test('[SE16] where people came back, or nothing is known, or EARLY_WARNINGS is false, only the usual warning is sent', async () => {
  const known = await world.session();
  for (let index = 0; index < 12; index += 1) await past(known.ownerId, [50, 50, 50, never]);
  const unknown = await world.session();
  const switchedOff = await world.session();
  for (let index = 0; index < 12; index += 1) await past(switchedOff.ownerId, [never]);
  const timings = readTimings({ EARLY_WARNINGS: 'false' });
  expect(timings.warnsEarly).toBe(false);
  for (let passed = 0; passed < 54; passed += 2) {
    world.pass(2 * minute);
    await service({ timings }).runExpiry();
  }
  expect(warned).toEqual([]);
  await world.database.pool.query('DELETE FROM collaboration_sessions WHERE id = $1', [switchedOff.id]);
  await service().runExpiry();
  expect(warned.filter(({ early }) => early)).toEqual([]);
  world.pass(2 * minute);
  await service().runExpiry();
  expect(new Set(warned.map(({ sessionId }) => sessionId))).toEqual(new Set([known.id, unknown.id]));
});

test('[SE16] somebody who is present is not warned, and after somebody came back a new silence is looked at again', async () => {
  const { id, ownerId } = await world.session();
  for (let index = 0; index < 12; index += 1) await past(ownerId, [never]);
  world.pass(20 * minute);
  await service({ lastSigns: async (ids) => new Map(ids.map((one) => [one, world.now()])) }).runExpiry();
  expect(warned).toEqual([]);
  world.pass(20 * minute);
  await service().runExpiry();
  expect(warned).toHaveLength(1);
  world.pass(minute);
  await world.manager.addParticipant(id, randomUUID());
  world.pass(20 * minute);
  await service().runExpiry();
  expect(warned).toHaveLength(2);
  expect(warned[1]).toMatchObject({ sessionId: id, early: true, expiresAt: world.now() + 40 * minute });
});

test('[SE16] the most probable expiry is warned of first, and an early warning that cannot be sent is tried again in the next step', async () => {
  const sure = await world.session();
  const surer = await world.session();
  for (let index = 0; index < 8; index += 1) await past(sure.ownerId, [never]);
  for (let index = 0; index < 19; index += 1) await past(surer.ownerId, [never]);
  world.pass(45 * minute);
  const failing = async () => {
    throw new Error('no post');
  };
  await service({ onExpiring: failing }).runExpiry();
  world.pass(5 * minute);
  await service().runExpiry();
  expect(warned.map(({ sessionId }) => sessionId)).toEqual([surer.id, sure.id]);
});

test('[SE16] two sweeps at once warn once', async () => {
  const { ownerId } = await world.session();
  for (let index = 0; index < 12; index += 1) await past(ownerId, [never]);
  world.pass(30 * minute);
  await Promise.all([service().runExpiry(), service().runExpiry(), service().runExpiry()]);
  expect(warned).toHaveLength(1);
});

/** Lets sessions live through random joins and leaves, with a sweep each minute. Returns when each one expired. */
async function life(
  seed: number,
  warnsEarly: boolean,
): Promise<{ expiries: [number, number][]; early: number; tooSoon: number }> {
  const random = SeededRandom.mixed(seed);
  const own = await sessionWorld();
  try {
    const begun = own.now();
    const pool = own.database.pool;
    const sessions = await Promise.all(Array.from({ length: 6 }, () => own.session()));
    for (const { ownerId } of sessions) {
      world = own;
      for (let index = 0; index < random.int(6, 15); index += 1)
        await past(ownerId, random.chance(0.8) ? [never] : [random.int(1, 59)]);
    }
    let [early, tooSoon] = [0, 0];
    const expired = new Map<number, number>();
    const lastActivity = sessions.map(() => begun);
    const sweep = new SessionCleanupService({
      ...{ database: pool, timings: { ...own.timings, warnsEarly }, clock: own.now },
      onExpiring: async (session) => {
        if (session.early) early += 1;
      },
      onExpired: async ({ sessionId }) => {
        const index = sessions.findIndex(({ id }) => id === sessionId);
        expired.set(index, own.now() - begun);
        if (own.now() - lastActivity[index]! < hour) tooSoon += 1;
      },
    });
    for (let passed = 0; passed < 180; passed += 3) {
      own.pass(3 * minute);
      for (const [index, { id }] of sessions.entries()) {
        const comesBack = random.chance(0.04);
        if (!comesBack || expired.has(index)) continue;
        await own.manager.addParticipant(id, randomUUID());
        lastActivity[index] = own.now();
      }
      await sweep.runExpiry();
    }
    return { expiries: [...expired].sort(([one], [other]) => one - other), early, tooSoon };
  } finally {
    await own.close();
  }
}

test.each([1, 2, 3])('[SE17] no session ends sooner or later because of early warnings (seed %i)', async (seed) => {
  const placeholder = world;
  const withWarnings = await life(seed, true);
  const without = await life(seed, false);
  world = placeholder;
  expect(withWarnings.early).toBeGreaterThan(0);
  expect(without.early).toBe(0);
  expect(withWarnings.expiries.length).toBeGreaterThan(0);
  expect(withWarnings.tooSoon).toBe(0);
  expect(withWarnings.expiries).toEqual(without.expiries);
});

test('[SE16] the history is that of the last twenty sessions, and the silences of the session itself count twice', async () => {
  const { id, ownerId } = await world.session();
  await entry(id, ['user_joined', world.now()]);
  for (let index = 0; index < 25; index += 1) await past(ownerId, index < 6 ? [never] : [30, never]);
  world.pass(40 * minute);
  const warnings = new EarlyWarnings(world.database.pool, world.timings);
  const { looked, sure } = await warnings.likely(10, world.now());
  expect(looked).toBe(1);
  expect(sure.map(({ sessionId }) => sessionId)).toEqual([id]);
  expect(await warnings.likely(10, world.now())).toEqual({ looked: 0, sure: [] });
});
