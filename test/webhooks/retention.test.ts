import { randomUUID } from 'node:crypto';
import type { PoolClient } from 'pg';
import type { Queryable } from '../../lambdas/platform/database.ts';
import { EndpointStore } from '../../lambdas/webhooks/endpoint-store.ts';
import { expired, remove } from '../../lambdas/webhooks/queue-sql.ts';
import { SecretBox } from '../../lambdas/webhooks/secret-box.ts';
import { WebhookQueue } from '../../lambdas/webhooks/webhook-queue.ts';
import { refuseBadRows } from '../support/bad-rows.ts';
import { createDatabase, type TestDatabase } from '../support/database.ts';

const day = 86_400_000;
let database: TestDatabase;
let queue: WebhookQueue;
let now: number;

beforeEach(async () => {
  database = await createDatabase();
  queue = new WebhookQueue(database.pool);
  now = Date.now();
});
afterEach(() => database.drop());

const addEndpoint = async () => {
  const store = new EndpointStore(database.pool, new SecretBox(async () => 'key'), Date.now);
  return (await store.add({ url: 'https://a.example/', description: '', events: ['user.left'] }))!.endpoint.id;
};
/** Deliveries that ended so many days ago. */
const fill = async (endpointId: string, state: 'delivered' | 'dead', daysAgo: number, count: number) => {
  const { rows } = await database.pool.query<{ id: string }>(
    `INSERT INTO webhook_deliveries (endpoint_id, event_id, event_type, state, queued_at, next_attempt_at, finished_at)
     SELECT $1, gen_random_uuid(), 'user.left', $2, at, at, at
     FROM (SELECT to_timestamp($3::float8 / 1000) AS at FROM generate_series(1, $4::integer)) times RETURNING event_id AS id`,
    [endpointId, state, now - daysAgo * day, count],
  );
  return rows.map(({ id }) => id);
};
const stored = async () =>
  (await database.pool.query('SELECT event_id AS id, state FROM webhook_deliveries ORDER BY state')).rows;

test.each(['delivered', 'dead'] as const)(
  '[WH8] an event that was %s and is replayed while the retention removes old ones is not removed',
  async (state) => {
    const id = await addEndpoint();
    const [replayed] = await fill(id, state, 31, 3);
    const client: PoolClient = await database.pool.connect();
    await client.query('BEGIN');
    expect(await new WebhookQueue(client).replayOne(id, replayed!, now)).toBe(1);
    let isRemoved = false;
    const removing = queue.removeExpired(now).then(() => {
      isRemoved = true;
    });
    const isWaiting = async () =>
      (await database.pool.query(`SELECT FROM pg_locks WHERE NOT granted AND locktype = 'transactionid'`)).rowCount! >
      0;
    while (!isRemoved && !(await isWaiting())) await new Promise(setImmediate);
    await client.query('COMMIT');
    client.release();
    await removing;
    expect(await stored()).toEqual([{ id: replayed, state: 'pending' }]);
  },
);

test('[WH8] an event that is replayed while rows are removed one by one is not removed', async () => {
  const id = await addEndpoint();
  const [replayed, spoilt] = await fill(id, 'dead', 31, 4);
  const bad = await refuseBadRows(database.pool, { webhook_deliveries: 'event_id' });
  await bad.spoil(spoilt!);
  let replays = 0;
  const replaying = {
    async query(text: string | object, values: unknown[]) {
      const result = await database.pool.query(text as string, values);
      // The retention knows the ids, and removes them next.
      if (typeof text === 'string' && text.startsWith('SELECT old'))
        replays += await queue.replayOne(id, replayed!, now);
      return result;
    },
  } as unknown as Queryable;
  await new WebhookQueue(replaying).removeExpired(now);
  expect(replays).toBe(1);
  expect(await stored()).toEqual([
    { id: spoilt, state: 'dead' },
    { id: replayed, state: 'pending' },
  ]);
});

interface Plan {
  'Node Type': string;
  'Relation Name'?: string;
  'Actual Rows': number;
  'Actual Loops': number;
  'Rows Removed by Filter'?: number;
  'Rows Removed by Index Recheck'?: number;
  Plans?: Plan[];
}
/** How many rows a plan read to find what it removes, without those that it found by their primary key. */
function rowsRead(plan: Plan, isSearch = false): number {
  const below = (plan.Plans ?? []).map((each) => rowsRead(each, isSearch || each['Node Type'] === 'Limit'));
  const here =
    plan['Actual Rows'] + (plan['Rows Removed by Filter'] ?? 0) + (plan['Rows Removed by Index Recheck'] ?? 0);
  const isRead = isSearch && plan['Relation Name'] === 'webhook_deliveries';
  return below.reduce((sum, each) => sum + each, isRead ? here * plan['Actual Loops'] : 0);
}

test('[WH8] the retention reads no dead letter before its thirty days are over', async () => {
  const id = await addEndpoint();
  await fill(id, 'dead', 20, 5000);
  await fill(id, 'delivered', 8, 300);
  await fill(id, 'dead', 31, 20);
  await database.pool.query('ANALYZE webhook_deliveries');
  const { rows } = await database.pool.query(`EXPLAIN (ANALYZE, FORMAT JSON) ${remove(expired)}`, [
    ...[now - 7 * day, now - 30 * day, 1000, now],
  ]);
  const read = rowsRead(rows[0]['QUERY PLAN'][0].Plan);
  expect(read).toBeGreaterThanOrEqual(320);
  expect(read).toBeLessThan(330);
  expect(await stored()).toHaveLength(5000);
});

test('[WH8] deliveries of a removed endpoint get their turn, however many others have expired', async () => {
  const id = await addEndpoint();
  await fill(id, 'delivered', 8, 5001);
  await fill(randomUUID(), 'dead', 1, 10);
  await queue.removeExpired(now, 0);
  expect((await stored()).map(({ state }) => state)).toEqual(['delivered']);
  await queue.removeExpired(now, 0);
  expect(await stored()).toEqual([]);
});
