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

/** A session with a seat of its owner, as after an invocation that was killed just after the script. */
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

/** The time of the next visit, in Unix milliseconds. */
async function dueOf(sessionId: string): Promise<number> {
  const shards = Array.from({ length: deadlineShards }, (_, shard) => presenceKeys.due(shard));
  const due = await Promise.all(shards.map((shard) => services.redis.zscore(shard, sessionId)));
  return Number(due.find((score) => score !== null) ?? Number.NaN);
}

const keptOf = (sessionId: string) => services.redis.llen(presenceKeys.journal(sessionId));
const invalidateSession = (sessionId: string) => services.redis.hdel(presenceKeys.epoch(sessionId), 'epoch');

test('[PR9] [FA6] the sweep records the join of a killed invocation and its leave, each once', async () => {
  const { sessionId, seat } = await enteredAndKilled();
  await flows.expireAndRecord(services, sessionId, Date.now());
  expect(await trailOf(sessionId)).toEqual(['user_joined']);
  await services.presence.store.depart(seat, 'left', Date.now());
  for (let times = 0; times < 2; times++) await flows.expireAndRecord(services, sessionId, Date.now());
  expect(await trailOf(sessionId)).toEqual(['user_joined', 'user_left']);
  expect(await keptOf(sessionId)).toBe(0);
});

test('[FA2] the visits of an invalidated session record its movements even if no user is connected', async () => {
  const { sessionId, seat } = await enteredAndKilled();
  await services.presence.store.depart(seat, 'left', Date.now());
  await invalidateSession(sessionId);
  expect((await flows.expireAndRecord(services, sessionId, Date.now())).recorded).toBe(true);
  expect(await trailOf(sessionId)).toEqual(['user_joined', 'user_left']);
  expect(await services.sessions.getParticipants(sessionId)).toEqual([]);
});

test('[PR9] [FA1] a user who timed out and is restored before the timeout is recorded has a new join in the audit trail', async () => {
  const { sessionId, seat } = await enteredAndKilled();
  const member = { ...seat, sessionName: 'name', username: 'Owner', role: 'operator' as const, joinedAt: Date.now() };
  await services.registry.join(member);
  await flows.expireAndRecord(services, sessionId, Date.now());
  // A sweep finds the timeout and is killed before it records it. The next sweep assumes an outage and restores all users.
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

test('[PR9] [SE9] if a session expires before the sweep records a time-out and a return, each stay has its own end', async () => {
  const { sessionId, seat } = await enteredAndKilled();
  const member = { ...seat, sessionName: 'name', username: 'Owner', role: 'operator' as const, joinedAt: Date.now() };
  await services.registry.join(member);
  await flows.expireAndRecord(services, sessionId, Date.now());
  const { store } = services.presence;
  const record = presenceKeys.record(sessionId, seat.userId);
  // Two sweeps are killed before they write: one found the time-out, the other one restored the user. The records have expired.
  await services.redis.del(record);
  expect((await store.visit(sessionId, Date.now() + 61_000)).departures).toHaveLength(1);
  jest.spyOn(Date, 'now').mockReturnValue(Date.now() + 62_000);
  try {
    await flows.bringBack(services, sessionId);
    await services.redis.del(record);
    const at = Date.now() + 1000;
    const removal = await flows.removeFromSession(services, sessionId, undefined, 'session_expired', at);
    for (const departure of removal!.departures) await flows.recordDeparture(services, sessionId, departure);
    await flows.expireAndRecord(services, sessionId, at);
  } finally {
    jest.restoreAllMocks();
  }
  expect(await trailOf(sessionId)).toEqual(['user_joined', 'user_timeout', 'user_joined', 'user_left']);
});

test.each([
  {
    isWritten: false,
    what: 'if a restoration removes a user who joined while the session ended, their leave is recorded',
  },
  { isWritten: true, what: 'a restoration does not record a leave again' },
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

test('[PR12] a session in which a user joins during the visit of an empty session is visited again', async () => {
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

test('[PR4] [PR6] the next visit is before a user could become away, even if they act just after a visit', async () => {
  const { sessionId } = await enteredAndKilled();
  const away = Date.now() + 6000;
  const { next } = await flows.visitSession(services, sessionId, away, new flows.MovementWriter(services));
  const { store } = services.presence;
  expect((await store.list(sessionId, away))?.users).toMatchObject([{ status: 'away' }]);
  expect(next).toBeLessThanOrEqual(away + 5000);
});

test('[PR9] [PR12] if hundreds of users of a session time out at once, immediate visits record all of them', async () => {
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
  // The owner never had a seat and keeps the slot.
  expect((await services.sessions.getParticipants(sessionId)).map((one) => one.userId)).toEqual([userId]);
  // Each visit has four statements: the joins, the earlier movements, the leaves and the slots. The rebuild reads the slots once.
  expect(statements.mock.calls.length).toBeLessThanOrEqual(4 * visits + 1);
});

test('[PR4] [PR6] after a join, the next visit is when the user would become away', async () => {
  const owner = { userId: randomUUID(), username: 'Owner' };
  const session = await services.sessions.createSession(owner.userId, 'op', {}, owner);
  const caller = { ...owner, connectionId: randomUUID(), scopes: [], ipAddress: null, userAgent: null };
  await flows.seatConnection(services, caller, { session, role: 'operator', activated: true });
  expect(await dueOf(session.id)).toBeLessThanOrEqual(Date.now() + 5000);
});

test('[SE8] [FA2] a user can be removed from an invalidated session', async () => {
  const { sessionId, seat } = await enteredAndKilled();
  await invalidateSession(sessionId);
  const removal = await flows.removeFromSession(services, sessionId, seat.userId, 'removed', Date.now());
  expect(removal).toMatchObject({ wasKnown: false, departures: [{ userId: seat.userId, cause: 'removed' }] });
});

test('[FA1] a session that cannot be rebuilt after an outage of Redis is told, and the others are rebuilt', async () => {
  const seats = await Promise.all([1, 2, 3].map(() => enteredAndKilled()));
  for (const { sessionId, seat } of seats) {
    await services.registry.join({
      ...{ ...seat, sessionName: 'name', username: 'Owner', role: 'operator' as const, joinedAt: Date.now() },
    });
    await services.deadlines.schedule(sessionId, Date.now());
    await services.redis.del(presenceKeys.users(sessionId), presenceKeys.epoch(sessionId));
  }
  const [first, bad, last] = seats.map(({ sessionId }) => sessionId) as [string, string, string];
  await services.redis.set(presenceKeys.users(bad), 'a value of the wrong type');
  const failed = jest.spyOn(services.log, 'error').mockImplementation(() => {});
  try {
    await flows.recoverPresence(services);
    expect(failed.mock.calls.map(([, context]) => (context as { sessionId: string }).sessionId)).toEqual([bad]);
    const count = async (sessionId: string) => (await services.presence.store.receivers(sessionId)).length;
    expect([await count(first), await count(last)]).toEqual([1, 1]);
    // A later visit tries again.
    await services.redis.del(presenceKeys.users(bad));
    await flows.bringBack(services, bad);
    expect(await count(bad)).toBe(1);
  } finally {
    failed.mockRestore();
    await services.redis.del(presenceKeys.users(bad));
  }
});
