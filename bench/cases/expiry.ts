import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { Pool } from 'pg';
import { ConnectionRegistry } from '../../lambdas/connections/connection-registry.ts';
import { inParallel } from '../../lambdas/platform/in-parallel.ts';
import { log } from '../../lambdas/platform/log.ts';
import { migrate } from '../../lambdas/platform/migrations.ts';
import { startBackingServices } from '../../local/backing/services.ts';
import { createTables } from '../expiry/tables.ts';
import { type Bench, type Measurement, timed } from '../measurement.ts';
import { startGateway } from '../sweep/gateway.ts';

const usual = 10_000;
const minuteMillis = 60_000;
const goalMillis = 2 * minuteMillis;

/** Creates sessions that were inactive for two hours, each with a silent connection that joined it. */
async function fill(pool: Pool, registry: ConnectionRegistry, sessions: number): Promise<void> {
  await pool.query(`INSERT INTO users (id, username) VALUES (md5('owner')::uuid, 'Owner')`);
  const { rows } = await pool.query<{ id: string; name: string }>(
    `INSERT INTO collaboration_sessions (operation_id, session_id, owner_id, start_time, last_active_at, updated_at)
     SELECT 'bench', 'SESSION-BENCH-' || n, md5('owner')::uuid, t, t, t
     FROM generate_series(1, $1::int) n, (SELECT now() - interval '2 hours') AS moment (t)
     RETURNING id, session_id AS name`,
    [sessions],
  );
  await pool.query(
    `INSERT INTO session_participants (session_id, user_id, role, joined_at, last_seen_at)
     SELECT id, owner_id, 'operator', start_time, start_time FROM collaboration_sessions`,
  );
  await pool.query('ANALYZE');
  const { rows: owners } = await pool.query<{ id: string }>('SELECT id FROM users');
  await inParallel(rows, 50, ({ id, name }) =>
    registry.join({
      ...{ connectionId: `connection-${id}`, sessionId: id, sessionName: name, role: 'operator' },
      ...{ userId: owners[0]!.id, username: 'Owner', joinedAt: Date.now() },
    }),
  );
}

/** Runs the minutely sweep of the expiries, as the schedule does, until every session was announced. */
async function expireAll(sessions: number): Promise<Measurement[]> {
  const directory = await mkdtemp(join(tmpdir(), 'rollcall-expiry-'));
  const backing = await startBackingServices({ directory, durable: true });
  let told = 0;
  const gateway = await startGateway(({ frame }) => {
    if (frame.type === 'session_expired') told += 1;
  });
  Object.assign(process.env, {
    ...{ REDIS_URL: backing.redisSocket ?? backing.redisUrl, DATABASE_URL: backing.databaseUrl },
    ...{ CONNECTIONS_TABLE: 'connections', OUTBOX_TABLE: 'outbox', INVITE_SECRET_ARN: 'unused' },
    ...{ MANAGEMENT_ENDPOINT: `${gateway.url}/live`, AWS_ENDPOINT_URL_DYNAMODB: backing.dynamodbEndpoint },
    ...{ AWS_REGION: 'us-east-1', AWS_ACCESS_KEY_ID: 'bench', AWS_SECRET_ACCESS_KEY: 'bench' },
  });
  log.setLogLevel('ERROR');
  const client = new DynamoDBClient({});
  const pool = new Pool({ connectionString: backing.databaseUrl, max: 2 });
  const { services } = await import('../../lambdas/composition/services.ts');
  try {
    await migrate(backing.databaseUrl, join(import.meta.dirname, '..', '..', 'migrations'));
    await createTables(client);
    await fill(pool, new ConnectionRegistry(client, 'connections'), sessions);
    let runs = 0;
    const millis = await timed(async () => {
      for (const started = performance.now(); ; runs += 1) {
        await wait(Math.max(0, started + runs * minuteMillis - performance.now()));
        await services.cleanup.runExpiry();
        const { rows } = await pool.query(
          'SELECT count(*)::int AS left FROM collaboration_sessions WHERE expiry_announced_at IS NULL',
        );
        if (rows[0].left === 0) return;
      }
    });
    const { rows } = await pool.query(
      `SELECT count(*)::int AS entries FROM activity_log WHERE activity_type = 'session_expired'`,
    );
    return [
      { what: 'sessions that expire', value: sessions, unit: 'sessions' },
      { what: 'until all are announced', value: millis / 1000, unit: 's' },
      { what: 'the goal', value: goalMillis / 1000, unit: 's' },
      { what: 'minutely runs', value: runs + 1, unit: 'runs' },
      { what: 'people told', value: told, unit: 'people' },
      { what: 'entries in the audit trail', value: rows[0].entries, unit: 'entries' },
    ];
  } finally {
    await Promise.all([services.redis.quit(), services.database.end(), services.sweepDatabase.end(), pool.end()]);
    client.destroy();
    await gateway.stop();
    await backing.stop();
    await rm(directory, { recursive: true, force: true });
  }
}

/** `--sessions=1000` sets the number of sessions. */
export const bench: Bench = {
  title: 'Sessions that expire at one moment, until everybody in them was told',
  run(flags) {
    const given = flags.find((flag) => flag.startsWith('--sessions='))?.slice('--sessions='.length);
    return expireAll(given === undefined ? usual : Number(given));
  },
};
