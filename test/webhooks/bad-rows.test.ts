import { randomUUID } from 'node:crypto';
import { type SendingParts, sendDueWebhooks } from '../../lambdas/flows/webhooks/send-due.ts';
import type { WebhookRequest } from '../../lambdas/webhooks/attempt.ts';
import { EndpointStore } from '../../lambdas/webhooks/endpoint-store.ts';
import { SecretBox } from '../../lambdas/webhooks/secret-box.ts';
import { WebhookQueue } from '../../lambdas/webhooks/webhook-queue.ts';
import { createLogger } from '../support/activity-logger.ts';
import { refuseBadRows } from '../support/bad-rows.ts';
import { createDatabase, type TestDatabase } from '../support/database.ts';
import { testServices } from '../support/test-services.ts';
import '../activity/support.ts';

const hour = 3_600_000;
let database: TestDatabase;
let bad: Awaited<ReturnType<typeof refuseBadRows>>;
let queue: WebhookQueue;
let now: number;
let sent: WebhookRequest[];
const box = new SecretBox(async () => 'key');

beforeEach(async () => {
  database = await createDatabase();
  bad = await refuseBadRows(database.pool, { webhook_endpoints: 'id', webhook_deliveries: 'event_id' });
  queue = new WebhookQueue(database.pool);
  now = Date.now() + 1000;
  sent = [];
});
afterEach(() => database.drop());

async function addEndpoint(url = 'https://a.example/'): Promise<string> {
  const store = new EndpointStore(database.pool, box, () => now);
  return (await store.add({ url, description: '', events: ['user.joined'] }))!.endpoint.id;
}

async function write(count: number): Promise<string[]> {
  const activityIds = Array.from({ length: count }, () => randomUUID());
  const about = { sessionId: randomUUID(), userId: randomUUID(), type: 'user_joined' };
  const logger = createLogger({ pool: database.pool });
  await logger.logActivities(activityIds.map((activityId) => ({ activityId, ...about })));
  return activityIds;
}

/** Runs one sweep, and returns the ids of what it sent. */
async function sweep(send?: SendingParts['send']): Promise<string[]> {
  const parts: SendingParts = {
    ...{ secrets: box, random: () => 0 },
    async send({ requests }) {
      sent.push(...requests);
      return { attempts: requests.map(({ eventId }) => ({ eventId, status: 200 })) };
    },
    ...(send ? { send } : {}),
  };
  sent = [];
  const services = testServices({ clock: () => now, webhookQueue: queue });
  await sendDueWebhooks(services, parts, { remaining: () => hour }, randomUUID());
  return sent.map(({ eventId }) => eventId).sort();
}

const statesOf = async (ids: string[]) =>
  (await database.pool.query('SELECT event_id, state FROM webhook_deliveries WHERE event_id = ANY ($1)', [ids])).rows
    .map(({ state }) => state)
    .sort();

test('[WH4] an attempt that cannot be noted is set aside, and the others of its batch are noted and not sent again', async () => {
  const endpoint = await addEndpoint();
  const events = await write(120);
  await bad.spoil(events[7]!);
  expect(await sweep()).toEqual([...events].sort());
  expect(await statesOf(events)).toEqual([...Array(119).fill('delivered'), 'pending']);
  expect(await bad.aside()).toEqual([{ step: 'webhook', id: `${endpoint} ${events[7]}`, failures: 1 }]);
  expect(await sweep()).toEqual([]);
  await bad.mend();
  now += 2 * 60_000;
  expect(await sweep()).toEqual([events[7]]);
  expect(await statesOf(events)).toEqual(Array(120).fill('delivered'));
});

test('[WH4] an endpoint that cannot be leased is set aside, and the others get their events', async () => {
  const broken = await addEndpoint();
  const others = [await addEndpoint('https://b.example/'), await addEndpoint('https://c.example/')];
  const events = await write(2);
  await bad.spoil(broken);
  expect(await sweep()).toEqual([...events, ...events].sort());
  expect(new Set(sent.map(({ url }) => url))).toEqual(new Set(['https://b.example/', 'https://c.example/']));
  expect(await bad.aside()).toEqual([{ step: 'webhook-endpoint', id: broken, failures: 1 }]);
  expect(await queue.backlog(now)).toEqual({ hasEndpoints: true, dueSince: null });
  await bad.mend();
  now += 2 * 60_000;
  expect(await sweep()).toEqual([...events].sort());
  expect(others).toHaveLength(2);
});

test.each([
  ['is no event any more', `activity_type = 'comment_added'`],
  ['has a time that no calendar has', `created_at = 'infinity'`],
])('[WH3] an event whose entry %s becomes a dead letter, and the others are sent', async (_, change) => {
  await addEndpoint();
  const events = await write(60);
  await database.pool.query(`UPDATE activity_log SET ${change} WHERE id = $1`, [events[3]]);
  expect(await sweep()).toEqual(events.toSpliced(3, 1).sort());
  const { rows } = await database.pool.query(
    `SELECT event_id AS id, last_error AS error FROM webhook_deliveries WHERE state = 'dead'`,
  );
  expect(rows).toEqual([{ id: events[3], error: 'entry_invalid' }]);
});

test('[WH4] if the sender fails, a delivery that cannot be postponed does not keep the others from waiting', async () => {
  await addEndpoint();
  const events = await write(5);
  await bad.spoil(events[2]!);
  let attempts = 0;
  await sweep(async () => {
    attempts += 1;
    throw new Error('killed');
  });
  expect(attempts).toBe(1);
  now += 31_000;
  expect(await sweep()).toEqual(events.toSpliced(2, 1).sort());
});

test('[WH8] a delivery that cannot be removed is set aside, and the others are removed, also those of a deleted endpoint', async () => {
  const [kept, deleted] = [await addEndpoint(), await addEndpoint('https://b.example/')];
  const events = await write(20);
  await sweep();
  await database.pool.query('DELETE FROM webhook_endpoints WHERE id = $1', [deleted]);
  await bad.spoil(events[4]!);
  now += 8 * 24 * hour;
  await queue.removeExpired(now);
  const left = await database.pool.query('SELECT endpoint_id FROM webhook_deliveries ORDER BY endpoint_id');
  expect(left.rows.map((row) => row.endpoint_id)).toEqual([kept, deleted].sort());
  expect(await bad.aside()).toHaveLength(2);
  await bad.mend();
  now += 2 * 60_000;
  await queue.removeExpired(now);
  expect(await statesOf(events)).toEqual([]);
});
