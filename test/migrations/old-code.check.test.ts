import { randomUUID } from 'node:crypto';
import { Redis } from 'ioredis';
import { migrate } from '../../lambdas/platform/migrations.ts';
import { testAddresses } from '../support/addresses.ts';
import { TestClient, tokenOf } from '../support/client.ts';
import { createEmptyDatabase, type TestDatabase } from '../support/database.ts';
import { timeLimits } from '../support/time-limits.ts';
import { hasOldRelease, type OldRelease, startOldRelease } from './old-release.ts';
import { laterMigrations, released } from './released.ts';

const isHere = hasOldRelease();
if (!isHere && process.env['CI']) {
  throw new Error(`The commit ${released.commit} of the release before is not in this clone; clone with its history.`);
}
const title = isHere
  ? 'the code of the release before on the schema of this one'
  : 'the code of the release before is not rehearsed, because this clone has no history';

let old: OldRelease;
let database: TestDatabase;
let redis: Redis;
const clients: TestClient[] = [];

beforeAll(async () => {
  if (!isHere) return;
  database = await createEmptyDatabase();
  const redisUrl = `${testAddresses.redis.replace(/\/\d*$/, '')}/${1 + (Number(process.env['JEST_WORKER_ID']) % 15)}`;
  redis = new Redis(redisUrl);
  await redis.flushdb();
  old = await startOldRelease({ databaseUrl: database.url, redisUrl });
});
afterAll(async () => {
  if (!isHere) return;
  for (const client of clients) client.cut();
  await old?.close();
  redis.disconnect();
  await database.drop();
});

async function connect(user: string): Promise<TestClient> {
  const client = await TestClient.connect(old, user);
  clients.push(client);
  return client;
}

/** Connects, creates, joins, acts, leaves and reads the audit trail. @returns the session. */
async function coreFlow(name: string): Promise<string> {
  const [owner, guest] = [await connect(`${name}-owner`), await connect(`${name}-guest`)];
  const create = { type: 'session_create', operationId: randomUUID(), metadata: { isPublic: true } };
  const { session } = await owner.expect('session_created', create);
  const here = { sessionId: session.id };
  await guest.expect('session_joined', { type: 'session_join', ...here });
  await owner.expect('activity_logged', { type: 'activity_log', ...here, activityType: 'noted', details: { name } });
  await guest.expect('ack', { type: 'cursor_update', ...here, cursor: { x: 1, y: 1 } });
  await guest.expect('session_left', { type: 'session_leave', ...here });
  await owner.expect('session_left', { type: 'session_leave', ...here });
  const { token } = await tokenOf(old, `${name}-owner`);
  const page = await fetch(`${old.http}/sessions/${session.id}/activity?limit=50`, {
    headers: { authorization: `Bearer ${token}` },
  });
  const { items } = (await page.json()) as { items: { activityType: string }[] };
  expect(items.map(({ activityType }) => activityType)).toEqual(
    expect.arrayContaining(['session_created', 'user_joined', 'noted', 'user_left']),
  );
  for (const client of [owner, guest]) client.cut();
  return session.id;
}

/** Lets the session time out, and expires it with the clean-up of the old code. A lost connection keeps it for its grace. */
async function expire(sessionId: string): Promise<string> {
  const until = Date.now() + timeLimits.event;
  for (;;) {
    await database.pool.query(
      `WITH time AS (SELECT now() - interval '30 days' AS past),
         session AS (UPDATE collaboration_sessions SET start_time = past, last_active_at = past FROM time WHERE id = $1)
       UPDATE session_participants SET joined_at = past, last_seen_at = past FROM time WHERE session_id = $1`,
      [sessionId],
    );
    await old.fire('CleanupSweep');
    const { rows } = await database.pool.query('SELECT status FROM collaboration_sessions WHERE id = $1', [sessionId]);
    if (rows[0].status === 'expired' || Date.now() > until) return rows[0].status;
  }
}

(isHere ? describe : describe.skip)(title, () => {
  test('the migrations run while the old code serves, and no request fails', async () => {
    const before = await coreFlow('before');
    let flows = 0;
    let isMigrated = false;
    const traffic = Array.from({ length: 3 }, async (_, worker) => {
      // Each goes on for one flow after the migrations.
      for (let isLast = false; !isLast; flows += 1) {
        isLast = isMigrated;
        await coreFlow(`during-${worker}-${flows}`);
      }
    });
    const ran = await migrate(database.url).finally(() => {
      isMigrated = true;
    });
    await Promise.all(traffic);
    expect(ran.map((name) => `${name}.sql`)).toEqual(laterMigrations().sort());
    expect(flows).toBeGreaterThanOrEqual(traffic.length);
    expect(await expire(before)).toBe('expired');
  });

  test('afterwards the whole flow works, and the clean-up expires a session', async () => {
    const sessionId = await coreFlow('after');
    expect(await expire(sessionId)).toBe('expired');
    const { rows } = await database.pool.query(
      `SELECT activity_type AS type FROM activity_log WHERE session_id = $1 AND activity_type = 'session_expired'`,
      [sessionId],
    );
    expect(rows).toHaveLength(1);
  });

  test('a schema that lacks a column makes the rehearsal fail', async () => {
    await database.pool.query('ALTER TABLE activity_log RENAME COLUMN details TO facts');
    await expect(coreFlow('broken')).rejects.toThrow();
  });
});
