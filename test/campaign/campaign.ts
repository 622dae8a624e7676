import { randomUUID } from 'node:crypto';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Redis } from 'ioredis';
import type { Pool } from 'pg';
import { ActivityOutbox } from '../../lambdas/activity/activity-outbox.ts';
import { SessionManager } from '../../lambdas/sessions/session-manager.ts';
import { readTimings } from '../../protocol/timings.ts';
import { createLogger } from '../support/activity-logger.ts';
import { testAddresses } from '../support/addresses.ts';
import { createDatabase } from '../support/database.ts';
import { bundleWorker, mutate } from './bundle.ts';
import { ConcurrentRun, type FinalState } from './concurrent-run.ts';
import { type PostedFrame, RecordingGateway } from './gateway.ts';
import type { CampaignOptions, Stage } from './messages.ts';
import { remainingWork } from './rest.ts';
import { campaignClient, createCampaignTables } from './tables.ts';

/** Short durations, so that within a minute users time out and sessions expire and are purged. */
const settings = {
  PRESENCE_UPDATE_SECONDS: '1',
  HEARTBEAT_TIMEOUT_SECONDS: '1',
  AWAY_AFTER_SECONDS: '1.5',
  RECONNECT_GRACE_SECONDS: '0.3',
  SESSION_TIMEOUT_HOURS: String(4 / 3600),
  SESSION_WARNING_MINUTES: String(2 / 60),
  SESSION_RETENTION_HOURS: String(20 / 3600),
  LIVENESS_TIMEOUT_SECONDS: '3',
  LOG_LEVEL: process.env['CAMPAIGN_LOG'] ?? 'SILENT',
};
const migrations = join(__dirname, '..', '..', 'migrations');

/** The state after a campaign, for the checks. */
export interface Aftermath extends FinalState {
  database: Pool;
  redis: Redis;
  frames: PostedFrame[];
  /** Violations that were found during the run. */
  seen: Set<string>;
}

/** Runs a campaign on the servers of the test run, and passes its final state to the checks. */
export async function runCampaign<T>(options: CampaignOptions, check: (left: Aftermath) => Promise<T>): Promise<T> {
  const folder = await mkdtemp(join(tmpdir(), 'rollcall-campaign-'));
  const redisUrl = `${testAddresses.redis.replace(/\/\d*$/, '')}/${1 + (Number(process.env['JEST_WORKER_ID'] ?? 1) % 15)}`;
  const redis = new Redis(redisUrl);
  const gateway = new RecordingGateway(options.seed);
  const client = campaignClient();
  const [database, tables, endpoint] = await Promise.all([
    createDatabase(),
    createCampaignTables(),
    gateway.open(),
    bundleWorker(join(folder, 'worker.cjs'), options.mutations ?? []),
    redis.flushdb(),
  ]);
  try {
    await mutateDatabase(database.pool, options);
    const environment = {
      ...settings,
      ...{ DATABASE_URL: database.url, REDIS_URL: redisUrl, MANAGEMENT_ENDPOINT: endpoint },
      ...{ CONNECTIONS_TABLE: tables.connections, OUTBOX_TABLE: tables.outbox, INVITE_SECRET_ARN: 'secret' },
      ...{ AWS_ENDPOINT_URL_DYNAMODB: testAddresses.dynamodb, AWS_ENDPOINT_URL_SECRETS_MANAGER: endpoint },
      ...{ AWS_REGION: 'us-east-1', AWS_ACCESS_KEY_ID: 'test', AWS_SECRET_ACCESS_KEY: 'test' },
    };
    const people = Array.from({ length: 12 }, (_, n) => ({ userId: randomUUID(), username: `Person ${n}` }));
    const stage = await oldStage(database.pool, people[0]!.userId);
    const seen = new Set<string>();
    const concurrentRun = new ConcurrentRun(
      { ...options, people, stage },
      join(folder, 'worker.cjs'),
      environment,
      gateway,
    );
    const outbox = new ActivityOutbox({ client, table: tables.outbox });
    const stores = { database: database.pool, redis, outbox };
    const watch = watchSlots(database.pool, seen);
    try {
      await concurrentRun.run();
      await concurrentRun.waitUntilIdle(() => remainingWork(stores));
      return await check({ ...concurrentRun.left(), seen, database: database.pool, redis, frames: gateway.frames });
    } finally {
      await concurrentRun.end();
      await watch.stop();
    }
  } finally {
    redis.disconnect();
    client.destroy();
    await gateway.close();
    await database.drop();
    await rm(folder, { recursive: true, force: true });
  }
}

/** A session with entries older than the retention, some of them sealed, so that the retention job has work. */
async function oldStage(pool: Pool, ownerId: string): Promise<Stage> {
  const clock = () => Date.now() - 100 * 86_400_000;
  const timings = readTimings(settings);
  const manager = new SessionManager({ database: pool, timings, inviteKeys: () => [] });
  const { id: sessionId } = await manager.createSession(ownerId, 'campaign', { isPublic: true, maxParticipants: 3 });
  const logger = createLogger({ pool, clock });
  for (const half of ['sealed', 'waiting']) {
    for (let n = 0; n < 100; n++)
      logger.queueActivity({ sessionId, userId: ownerId, type: 'old', details: { half, n } });
    await logger.flush();
    if (half === 'sealed') await logger.sealChains();
  }
  await createLogger({ pool }).logActivity(sessionId, ownerId, 'session_created', { operationId: 'campaign' });
  return { sessionId, ownerId };
}

/** Mutates functions of the database by defining them again. */
async function mutateDatabase(pool: Pool, { mutations = [] }: CampaignOptions): Promise<void> {
  for (const name of await readdir(migrations)) {
    const file = `migrations/${name}`;
    if (!mutations.some((mutation) => mutation.file === file)) continue;
    const source = mutate(file, await readFile(join(migrations, name), 'utf8'), mutations);
    for (const [statement] of source.matchAll(/^CREATE (OR REPLACE )?FUNCTION[\s\S]*?^\$\$;$/gm)) {
      await pool.query(statement.replace(/^CREATE FUNCTION/, 'CREATE OR REPLACE FUNCTION'));
    }
  }
}

/** Checks repeatedly that no session has more participants than slots, and no user two slots (rule SE3). */
function watchSlots(pool: Pool, seen: Set<string>): { stop: () => Promise<void> } {
  let watching = true;
  const watch = async () => {
    while (watching) {
      const { rows } = await pool.query<{ fault: string }>(`
        SELECT format('%s participants in the %s slots of %s', count(*), s.max_participants, s.id) AS fault
        FROM collaboration_sessions s JOIN session_participants p ON p.session_id = s.id AND p.left_at IS NULL
        GROUP BY s.id HAVING count(*) > s.max_participants
        UNION ALL
        SELECT format('%s slots of %s in %s', count(*), person_id, session_id)
        FROM session_participants WHERE left_at IS NULL GROUP BY session_id, person_id HAVING count(*) > 1`);
      for (const { fault } of rows) seen.add(fault);
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  };
  const watched = watch();
  return {
    async stop() {
      watching = false;
      await watched;
    },
  };
}
