import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Redis } from 'ioredis';
import type { Pool } from 'pg';
import { type LocalStack, type LocalStackOptions, startLocalStack } from '../../local/stack.ts';
import type { AccessClaim } from '../../protocol/access-claim.ts';
import type { Session, SessionMetadata } from '../../protocol/entities.ts';
import { testAddresses } from './addresses.ts';
import { assemblyWith } from './assembly.ts';
import { TestClient } from './client.ts';
import { createDatabase } from './database.ts';
import { PostObserver } from './post-observer.ts';
import { StoreGate } from './store-gate.ts';

/** A client with its user id at the service. */
export type Arrived = TestClient & { userId: string; connectionId: string };

export interface TestStack extends LocalStack {
  /** The data folder of the stack; it contains the key of the identity provider. */
  dataDirectory: string;
  database: Pool;
  redis: Redis;
  /** The log lines of the functions and the stack. */
  lines: string[];
  /** The posts of the functions. */
  posts: PostObserver;
  /** Connects as a user of the local identity provider, with an access claim if given, and waits for the answer to `hello`. */
  arrive(user: string, sessions?: AccessClaim): Promise<Arrived>;
  /** The same as a guest, with the secret of a browser if given. */
  arriveAsGuest(invite: string, name: string, secret?: string): Promise<Arrived>;
  /** Connects a new user and creates a session for them. */
  host(user: string, metadata?: SessionMetadata): Promise<{ owner: Arrived; session: Session }>;
  /** Gates between the functions and the stores; a test can close and open them. */
  stores: { redis: StoreGate; database: StoreGate };
  /** Types and details of a session's audit entries, the oldest first. */
  audit(sessionId: string, type?: string): Promise<AuditRow[]>;
}

export interface AuditRow {
  id: string;
  user_id: string | null;
  activity_type: string;
  details: Record<string, unknown>;
  ip_address: string | null;
  user_agent: string | null;
}

/** Redis has 16 databases; other tests use the first one. */
const redisDatabases = 15;

/**
 * Starts the product's stack on the servers of the test run, with its own database, Redis database and DynamoDB tables.
 * Schedules fire only on request. The timeout sweep runs after a join, as on AWS.
 *
 * @param settings shorter durations of the product.
 */
export async function startTestStack(
  settings: Record<string, string> = {},
  options: Partial<LocalStackOptions> = {},
): Promise<TestStack> {
  const worker = Number(process.env['JEST_WORKER_ID'] ?? 1);
  const redisUrl = `${testAddresses.redis.replace(/\/\d*$/, '')}/${1 + (worker % redisDatabases)}`;
  const dataDirectory = await mkdtemp(join(tmpdir(), 'rollcall-e2e-'));
  const [database, assemblyDirectory] = await Promise.all([
    createDatabase(),
    assemblyWith(settings, join(dataDirectory, 'assembly')),
  ]);
  const redis = new Redis(redisUrl);
  await redis.flushdb();
  const stores = { redis: new StoreGate(redisUrl), database: new StoreGate(database.url) };
  await Promise.all([stores.redis.open(), stores.database.open()]);
  const posts = new PostObserver();
  const lines: string[] = [];
  const stack = await startLocalStack({
    assemblyDirectory,
    schedules: false,
    write: (line) => lines.push(line),
    ...options,
    backing: { databaseUrl: stores.database.url, redisUrl: stores.redis.url, ...options.backing },
    dataDirectory,
    environment: { ...options.environment, MANAGEMENT_ENDPOINT: await posts.open() },
  });
  posts.target = stack.management;

  const arriveWith = async (client: TestClient): Promise<Arrived> => {
    const { userId, connectionId } = await client.expect('welcome', { type: 'hello' });
    return Object.assign(client, { userId, connectionId });
  };
  const arrive = async (user: string, sessions?: AccessClaim) =>
    arriveWith(await TestClient.connect(stack, user, sessions));
  return {
    ...stack,
    dataDirectory,
    database: database.pool,
    redis,
    lines,
    posts,
    stores,
    arrive,
    async arriveAsGuest(invite, name, secret) {
      const query = new URLSearchParams({ invite, name, ...(secret ? { guest: secret } : {}) });
      return arriveWith(await TestClient.open(`${stack.websocket}?${query}`));
    },
    async host(user, metadata = { isPublic: true }) {
      const owner = await arrive(user);
      const create = () => owner.expect('session_created', { type: 'session_create', operationId: 'op-1', metadata });
      const created = await create().catch((error: unknown) => {
        // On a busy machine a function that starts may exceed its time. The operation id makes a second attempt safe.
        console.warn(`A session is created in a second attempt. ${error}\n${lines.slice(-5).join('\n')}`);
        return create();
      });
      return { owner, session: created.session };
    },
    async audit(sessionId, type) {
      const { rows } = await database.pool.query<AuditRow>(
        `SELECT id, user_id, activity_type, details, host(ip_address) AS ip_address, user_agent FROM activity_log
         WHERE session_id = $1 AND activity_type = coalesce($2, activity_type) ORDER BY created_at, id`,
        [sessionId, type],
      );
      return rows;
    },
    async close() {
      await stack.close();
      await Promise.all([posts.close(), stores.redis.shut(), stores.database.shut()]);
      redis.disconnect();
      await database.drop();
      await rm(dataDirectory, { recursive: true, force: true });
    },
  };
}
