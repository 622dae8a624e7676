import { randomUUID } from 'node:crypto';
import { deadlineShards } from '../../../lambdas/presence/deadlines.ts';
import { presenceKeys } from '../../../lambdas/presence/keys.ts';
import type { Services } from '../../../lambdas/services/services.ts';
import { createDatabase } from '../../support/database.ts';
import { redisUrl } from '../../support/redis.ts';
import { createConnectionTable, testAwsVariables } from '../../support/tables.ts';

type Database = Awaited<ReturnType<typeof createDatabase>>;

let database: Database;
let flows: typeof import('../../../lambdas/flows/presence/visit-sessions.ts') &
  typeof import('../../../lambdas/flows/leaving/remove-from-session.ts') &
  typeof import('../../../lambdas/flows/seating/seat-connection.ts') &
  typeof import('../../../lambdas/flows/journal/movement-writer.ts') &
  typeof import('../../../lambdas/flows/presence/recover-presence.ts') &
  typeof import('../../../lambdas/flows/journal/departures.ts');
let services: Services;

beforeAll(async () => {
  database = await createDatabase();
  Object.assign(process.env, {
    ...{ DATABASE_URL: database.url, REDIS_URL: redisUrl(14), OUTBOX_TABLE: 'unused' },
    ...{ CONNECTIONS_TABLE: await createConnectionTable(), ...testAwsVariables(), AWAY_AFTER_SECONDS: '5' },
  });
  flows = {
    ...(await import('../../../lambdas/flows/presence/visit-sessions.ts')),
    ...(await import('../../../lambdas/flows/leaving/remove-from-session.ts')),
    ...(await import('../../../lambdas/flows/seating/seat-connection.ts')),
    ...(await import('../../../lambdas/flows/journal/movement-writer.ts')),
    ...(await import('../../../lambdas/flows/presence/recover-presence.ts')),
    ...(await import('../../../lambdas/flows/journal/departures.ts')),
  };
  ({ services } = await import('../../../lambdas/composition/services.ts'));
});
afterAll(async () => {
  jest.restoreAllMocks();
  await services.redis.quit();
  await services.database.end();
  await database.drop();
});

/** A session whose owner is seated, by an invocation that was killed right after the script. */
async function enteredAndKilled() {
  const userId = randomUUID();
  const { id: sessionId } = await services.sessions.createSession(userId, 'op', {}, { username: 'Owner' });
  const acting = { connectionId: randomUUID(), username: 'Owner', role: 'operator', arrivalState: 'taken' } as const;
  await services.presence.enter(sessionId, userId, acting);
  return { sessionId, seat: { sessionId, userId, connectionId: acting.connectionId } };
}

async function trailOf(sessionId: string): Promise<string[]> {
  const { rows } = await database.pool.query<{ type: string }>(
    'SELECT activity_type AS type FROM activity_log WHERE session_id = $1 ORDER BY created_at, id',
    [sessionId],
  );
  return rows.map(({ type }) => type);
}

/** When the session is visited next, Unix milliseconds. */
async function dueOf(sessionId: string): Promise<number> {
  const shards = Array.from({ length: deadlineShards }, (_, shard) => presenceKeys.due(shard));
  const due = await Promise.all(shards.map((shard) => services.redis.zscore(shard, sessionId)));
  return Number(due.find((score) => score !== null) ?? Number.NaN);
}

const keptOf = (sessionId: string) => services.redis.llen(presenceKeys.journal(sessionId));
const invalidateSession = (sessionId: string) => services.redis.hdel(presenceKeys.epoch(sessionId), 'epoch');

test('[PR9] [FA6] the sweep writes down a coming whose invocation was killed, and its going, once each', async () => {
  const { sessionId, seat } = await enteredAndKilled();
  await flows.expireAndRecord(services, sessionId, Date.now());
  expect(await trailOf(sessionId)).toEqual(['user_joined']);
  await services.presence.store.depart(seat, 'left', Date.now());
  for (let times = 0; times < 2; times++) await flows.expireAndRecord(services, sessionId, Date.now());
  expect(await trailOf(sessionId)).toEqual(['user_joined', 'user_left']);
  expect(await keptOf(sessionId)).toBe(0);
});

test('[FA2] a session that Redis gave up is visited to its end although nobody is connected', async () => {
  const { sessionId, seat } = await enteredAndKilled();
  await services.presence.store.depart(seat, 'left', Date.now());
  await invalidateSession(sessionId);
  expect((await flows.expireAndRecord(services, sessionId, Date.now())).recorded).toBe(true);
  expect(await trailOf(sessionId)).toEqual(['user_joined', 'user_left']);
  expect(await services.sessions.getParticipants(sessionId)).toEqual([]);
});

test('[PR9] [FA1] whoever timed out and is restored before a visit writes it is present by the audit trail, too', async () => {
  const { sessionId, seat } = await enteredAndKilled();
  const member = { ...seat, sessionName: 'name', username: 'Owner', role: 'operator' as const, joinedAt: Date.now() };
  await services.registry.join(member);
  await flows.expireAndRecord(services, sessionId, Date.now());
  // A sweep finds the time-out and is killed before it writes. The next one takes Redis for away, and restores everybody.
  const { store } = services.presence;
  expect((await store.visit(sessionId, Date.now() + 61_000)).departures).toHaveLength(1);
  await flows.bringBack(services, sessionId);
  await flows.expireAndRecord(services, sessionId, Date.now());
  expect(await trailOf(sessionId)).toEqual(['user_joined', 'user_timeout', 'user_joined']);
  expect(await services.sessions.getParticipants(sessionId)).toHaveLength(1);
  await store.depart(seat, 'left', Date.now());
  await flows.expireAndRecord(services, sessionId, Date.now());
  expect((await trailOf(sessionId)).slice(3)).toEqual(['user_left']);
});

test.each([
  { isWritten: false, what: 'whoever came in as the session ended, and is taken out by a restoration, has left' },
  { isWritten: true, what: 'a leave that is written down is not written again by a restoration' },
])('[PR9] [SE9] $what', async ({ isWritten }) => {
  const { sessionId, seat } = await enteredAndKilled();
  await services.sessions.endSession(sessionId, { asker: seat, status: 'completed' });
  await flows.expireAndRecord(services, sessionId, Date.now());
  const departure = { userId: seat.userId, cause: 'session_ended', at: Date.now() } as const;
  if (isWritten) await flows.recordDeparture(services, sessionId, departure);
  jest.spyOn(Date, 'now').mockReturnValue(Date.now() + 10_000);
  try {
    await flows.bringBack(services, sessionId);
    for (let times = 0; times < 2; times++) await flows.expireAndRecord(services, sessionId, Date.now());
  } finally {
    jest.restoreAllMocks();
  }
  expect(await trailOf(sessionId)).toEqual(['user_joined', 'user_left']);
  expect(await keptOf(sessionId)).toBe(0);
});

test('[PR12] who comes in while an empty session is visited is visited, too', async () => {
  const { sessionId, seat } = await enteredAndKilled();
  await services.presence.store.depart(seat, 'left', Date.now());
  const index = services.deadlines;
  await index.schedule(sessionId, Date.now() - 1);
  const release = index.release.bind(index);
  jest.spyOn(index, 'release').mockImplementationOnce(async (...given) => {
    await services.presence.enter(sessionId, seat.userId, { connectionId: randomUUID(), username: 'Owner' });
    await index.schedule(sessionId, Date.now() + 60_000);
    return release(...given);
  });
  await (await import('../../support/sweep-once.ts')).sweepOnce(services);
  expect(await index.all()).toContain(sessionId);
});

test('[PR4] [PR6] nobody who acts after a visit is away before the next one', async () => {
  const { sessionId } = await enteredAndKilled();
  const away = Date.now() + 6000;
  const { next } = await flows.visitSession(services, sessionId, away, new flows.MovementWriter(services));
  const { store } = services.presence;
  expect((await store.list(sessionId, away))?.users).toMatchObject([{ status: 'away' }]);
  expect(next).toBeLessThanOrEqual(away + 5000);
});

test('[PR9] [PR12] of a room of hundreds that goes at once everybody is written down by visits that follow at once', async () => {
  const userId = randomUUID();
  const { id: sessionId } = await services.sessions.createSession(userId, 'op', { maxParticipants: 300 });
  const many = 250;
  const people = Array.from({ length: many }, () => randomUUID());
  for (const person of people) {
    await services.sessions.addParticipant(sessionId, person, 'viewer', { username: 'Somebody' });
    await services.presence.enter(sessionId, person, {
      connectionId: randomUUID(),
      username: 'Somebody',
      arrivalState: 'taken',
    });
  }
  let now = Date.now() + 120_000;
  const writer = new flows.MovementWriter(services);
  const statements = jest.spyOn(services.database, 'query');
  let visits = 0;
  for (let next: number | undefined = now; next !== undefined && visits < 20; visits += 1) {
    expect(next).toBe(now);
    ({ next } = await flows.visitSession(services, sessionId, now, writer));
    now = next ?? now;
  }
  const trail = await trailOf(sessionId);
  expect(trail.filter((type) => type === 'user_joined')).toHaveLength(many);
  expect(trail.filter((type) => type === 'user_timeout')).toHaveLength(many);
  expect(await keptOf(sessionId)).toBe(0);
  // The owner was never seated, and keeps the slot.
  expect((await services.sessions.getParticipants(sessionId)).map((one) => one.userId)).toEqual([userId]);
  // Each visit: the comings; what the trail has of the goings; the goings; the slots. The rebuilding reads who holds one.
  expect(statements.mock.calls.length).toBeLessThanOrEqual(4 * visits + 1);
});

test('[PR4] [PR6] who comes and does nothing is visited when they are away, before they are gone', async () => {
  const owner = { userId: randomUUID(), username: 'Owner' };
  const session = await services.sessions.createSession(owner.userId, 'op', {}, owner);
  const caller = { ...owner, connectionId: randomUUID(), scopes: [], ipAddress: null, userAgent: null };
  await flows.seatConnection(services, caller, { session, role: 'operator', activated: true });
  expect(await dueOf(session.id)).toBeLessThanOrEqual(Date.now() + 5000);
});

test('[SE8] [FA2] somebody is taken out of a session that Redis gave up, too', async () => {
  const { sessionId, seat } = await enteredAndKilled();
  await invalidateSession(sessionId);
  const removal = await flows.removeFromSession(services, sessionId, seat.userId, 'removed', Date.now());
  expect(removal).toMatchObject({ wasKnown: false, departures: [{ userId: seat.userId, cause: 'removed' }] });
});
