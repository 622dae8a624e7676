import { randomUUID } from 'node:crypto';
import type { Services } from '../../../lambdas/services/services.ts';
import { testAddresses } from '../../support/addresses.ts';
import { createDatabase } from '../../support/database.ts';
import { createConnectionTable, testAwsVariables } from '../../support/tables.ts';

type Database = Awaited<ReturnType<typeof createDatabase>>;

let database: Database;
let flows: typeof import('../../../lambdas/flows/sweep/reconcile-slots.ts');
let recordArrival: typeof import('../../../lambdas/flows/journal/arrivals.ts').recordArrival;
let recordDeparture: typeof import('../../../lambdas/flows/journal/departures.ts').recordDeparture;
let services: Services;

beforeAll(async () => {
  database = await createDatabase();
  Object.assign(process.env, {
    DATABASE_URL: database.url,
    REDIS_URL: testAddresses.redis,
    OUTBOX_TABLE: 'unused',
    CONNECTIONS_TABLE: await createConnectionTable(),
    ...testAwsVariables(),
  });
  flows = await import('../../../lambdas/flows/sweep/reconcile-slots.ts');
  ({ recordArrival } = await import('../../../lambdas/flows/journal/arrivals.ts'));
  ({ recordDeparture } = await import('../../../lambdas/flows/journal/departures.ts'));
  ({ services } = await import('../../../lambdas/composition/services.ts'));
});
afterAll(async () => {
  await services.redis.quit();
  await services.database.end();
  await services.sweepDatabase.end();
  await database.drop();
});

async function ownedSession(lastSeenMillisAgo: number) {
  const userId = randomUUID();
  const session = await services.sessions.createSession(userId, 'operation', {}, { username: 'Owner' });
  await database.pool.query(
    `UPDATE session_participants SET joined_at = now() - interval '1 hour', last_joined_at = now() - interval '1 hour',
       last_seen_at = now() - $2 * interval '1 millisecond' WHERE session_id = $1`,
    [session.id, lastSeenMillisAgo],
  );
  return { userId, sessionId: session.id };
}

/** Entries of the audit trail, oldest first. */
async function trailOf(sessionId: string) {
  const { rows } = await database.pool.query(
    'SELECT activity_type AS type, details FROM activity_log WHERE session_id = $1 ORDER BY created_at, id',
    [sessionId],
  );
  return rows;
}

const slotsOf = async (sessionId: string) => (await services.sessions.getParticipants(sessionId)).length;

test('[SE3] a slot whose holder is not present is given back once, with its audit entry', async () => {
  const { sessionId, userId } = await ownedSession(10 * 60_000);
  const at = Date.now() - 60 * 60_000;
  await recordArrival(services, sessionId, { userId, username: 'Owner', role: 'operator', at, certain: true });
  await flows.reconcileSlots(services, Date.now());
  expect(await slotsOf(sessionId)).toBe(0);
  await flows.reconcileSlots(services, Date.now());
  expect(await trailOf(sessionId)).toEqual([
    { type: 'user_joined', details: { role: 'operator' } },
    { type: 'user_timeout', details: { reason: 'heartbeat_timeout', durationSeconds: expect.any(Number) } },
  ]);
});

test('[PR9] a leave that is already recorded is not recorded again when its slot is given back', async () => {
  const { sessionId, userId } = await ownedSession(10 * 60_000);
  const at = Date.now() - 60 * 60_000;
  await recordArrival(services, sessionId, { userId, username: 'Owner', role: 'operator', at, certain: true });
  // The last sign of life in PostgreSQL may be older than the one in Redis.
  const trueEnd = { userId, cause: 'timeout' as const, at: Date.now() - 5 * 60_000, joinedAt: at };
  // The invocation was killed between the entry and the slot, so the slot is still held.
  await recordDeparture(services, sessionId, { ...trueEnd, isBack: true });
  await flows.reconcileSlots(services, Date.now());
  expect(await slotsOf(sessionId)).toBe(0);
  expect((await trailOf(sessionId)).map(({ type }) => type)).toEqual(['user_joined', 'user_timeout']);
});

test('[PR9] the leave of a user who joined again after their last sign of life is recorded after that join', async () => {
  const { sessionId, userId } = await ownedSession(10 * 60_000);
  const person = { userId, username: 'Owner', role: 'operator' as const, certain: true };
  const minutesAgo = (minutes: number) => Date.now() - minutes * 60_000;
  await recordArrival(services, sessionId, { ...person, at: minutesAgo(60) });
  await recordDeparture(services, sessionId, {
    userId,
    cause: 'left',
    at: minutesAgo(9),
    joinedAt: minutesAgo(60),
    isBack: true,
  });
  await recordArrival(services, sessionId, { ...person, at: minutesAgo(8) });
  await flows.reconcileSlots(services, Date.now());
  expect(await slotsOf(sessionId)).toBe(0);
  const types = (await trailOf(sessionId)).map(({ type }) => type);
  expect(types).toEqual(['user_joined', 'user_left', 'user_joined', 'user_timeout']);
});

test('[PR9] a user without a recorded join gets no recorded leave', async () => {
  const { sessionId } = await ownedSession(10 * 60_000);
  await flows.reconcileSlots(services, Date.now());
  expect(await slotsOf(sessionId)).toBe(0);
  expect(await trailOf(sessionId)).toEqual([]);
});

test('[SE3] a slot is kept while its holder is present, even if the stored time is old', async () => {
  const { sessionId, userId } = await ownedSession(10 * 60_000);
  await services.presence.enter(sessionId, userId, { connectionId: 'c1', username: 'Owner', role: 'operator' });
  await flows.reconcileSlots(services, Date.now());
  expect(await slotsOf(sessionId)).toBe(1);
});

test('[FA2] a slot is kept while its holder is connected, even if Redis lost them', async () => {
  const { sessionId, userId } = await ownedSession(10 * 60_000);
  const person = { userId, username: 'Owner', role: 'operator' as const, joinedAt: Date.now() - 3_600_000 };
  await services.registry.join({ connectionId: 'c2', sessionId, sessionName: 'any', ...person });
  await flows.reconcileSlots(services, Date.now());
  expect(await slotsOf(sessionId)).toBe(1);
  expect(await services.presence.getOnlineUsers(sessionId)).toMatchObject([{ userId, connections: 1 }]);
});

test('[SE3] a slot is kept while the stored time is not older than a late sweep explains', async () => {
  const { sessionId } = await ownedSession(100_000);
  await flows.reconcileSlots(services, Date.now());
  expect(await slotsOf(sessionId)).toBe(1);
});

test('[SE3] a slot that cannot be given back is set aside, and the others are given back', async () => {
  await database.pool.query('UPDATE session_participants SET left_at = now() WHERE left_at IS NULL');
  const [bad, good] = [await ownedSession(20 * 60_000), await ownedSession(10 * 60_000)];
  await database.pool.query(`
    CREATE FUNCTION refuse_slot() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'bad'; END $$;
    CREATE TRIGGER refuse_slot BEFORE UPDATE ON session_participants FOR EACH ROW
      WHEN (OLD.session_id = '${bad.sessionId}') EXECUTE FUNCTION refuse_slot()`);
  await flows.reconcileSlots(services, Date.now());
  expect([await slotsOf(bad.sessionId), await slotsOf(good.sessionId)]).toEqual([1, 0]);
  const aside = await database.pool.query('SELECT step, id FROM sweep_set_aside');
  expect(aside.rows).toEqual([{ step: 'lost-slot', id: `${bad.sessionId}:${bad.userId}` }]);
  await database.pool.query('DROP TRIGGER refuse_slot ON session_participants');
  await flows.reconcileSlots(services, Date.now());
  expect(await slotsOf(bad.sessionId)).toBe(1);
  await flows.reconcileSlots(services, Date.now() + 61_000);
  expect(await slotsOf(bad.sessionId)).toBe(0);
});
