import { randomUUID } from 'node:crypto';
import type { Redis } from 'ioredis';
import { measureService } from '../../../lambdas/flows/figures/measure-service.ts';
import { SweepQueries } from '../../../lambdas/sessions/sweep-queries.ts';
import { createDatabase, type TestDatabase } from '../../support/database.ts';
import { connectRedis } from '../../support/redis.ts';
import { testServices } from '../../support/test-services.ts';

let database: TestDatabase;
let redis: Redis;
beforeAll(async () => {
  database = await createDatabase();
  redis = connectRedis();
});
afterAll(async () => {
  await redis.quit();
  await database.drop();
});

async function measured(doubles: object = {}): Promise<Record<string, number>> {
  const noted: Record<string, number> = {};
  const note = (name: string, value: number) => {
    noted[name] = value;
  };
  const sweepQueries = new SweepQueries(database.pool, database.pool);
  const deadlines = { size: async () => 3 };
  await measureService(testServices({ metrics: { note }, sweepQueries, deadlines, redis, ...doubles }));
  return noted;
}

async function join(sessionId: string, name: string, userId: string, left: boolean): Promise<void> {
  await database.pool.query(
    `INSERT INTO session_participants (session_id, user_id, name, role, left_at, left_cause)
     VALUES ($1, $2, $3, 'operator', CASE WHEN $4 THEN now() END, CASE WHEN $4 THEN 'left' END)`,
    [sessionId, userId, name, left],
  );
}

test('a user in two sessions is one active user, and a user who left is none', async () => {
  const [ada, bob, cyd] = [randomUUID(), randomUUID(), randomUUID()];
  await database.pool.query('INSERT INTO users (id, username) SELECT unnest($1::uuid[]), unnest($2::text[])', [
    [ada, bob, cyd],
    ['Ada', 'Bob', 'Cyd'],
  ]);
  const sessions = await Promise.all(
    ['one', 'two'].map(async (operation) => {
      const { rows } = await database.pool.query<{ id: string }>(
        'INSERT INTO collaboration_sessions (owner_id, operation_id, session_id) VALUES ($1, $2, $2) RETURNING id',
        [ada, operation],
      );
      return rows[0]!.id;
    }),
  );
  for (const session of sessions) await join(session, 'Ada', ada, false);
  await join(sessions[0]!, 'Bob', bob, false);
  await join(sessions[0]!, 'Cyd', cyd, true);
  expect(await measured()).toEqual({ activeUsers: 2, activeSessions: 3, redisConnections: expect.any(Number) });
});

test('the connections of Redis are those that it counts itself', async () => {
  const before = (await measured())['redisConnections']!;
  expect(before).toBeGreaterThan(0);
  expect(
    (await measured({ redis: { info: async () => '# Clients\r\nconnected_clients:42\r\n' } }))['redisConnections'],
  ).toBe(42);
});

test('a store that is away hides only its own figure', async () => {
  const error = jest.fn();
  const away = { activeUsers: () => Promise.reject(new Error('away')) };
  const log = { debug() {}, info() {}, warn() {}, error };
  const noted = await measured({ sweepQueries: away, log, redis: { info: async () => '' } });
  expect(noted).toEqual({ activeSessions: 3 });
  expect(error).toHaveBeenCalledTimes(1);
});
