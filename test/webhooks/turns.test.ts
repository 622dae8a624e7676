import { randomUUID } from 'node:crypto';
import { EndpointStore } from '../../lambdas/webhooks/endpoint-store.ts';
import { planEndpoint } from '../../lambdas/webhooks/retry-plan.ts';
import { SecretBox } from '../../lambdas/webhooks/secret-box.ts';
import type { ClaimedEndpoint } from '../../lambdas/webhooks/webhook-queue.ts';
import { WebhookQueue } from '../../lambdas/webhooks/webhook-queue.ts';
import { createLogger } from '../support/activity-logger.ts';
import { createDatabase, type TestDatabase } from '../support/database.ts';
import '../activity/support.ts';

let database: TestDatabase;
beforeAll(async () => {
  database = await createDatabase();
});
afterAll(() => database.drop());

/** So many endpoints are served at the same time, and so long takes a batch of one that does not answer, or answers late. */
const slots = 8;
const slowMillis = 25_000;

test.each([
  ['never answer', []],
  ['answer late', [{ eventId: 'e', status: 200 }]],
])('[WH4] thousands of events for 40 endpoints that %s do not delay those of a healthy one', async (_, attempts) => {
  await database.pool.query('TRUNCATE webhook_endpoints, webhook_deliveries, activity_log, activity_unsealed');
  const queue = new WebhookQueue(database.pool);
  const endpoints = new EndpointStore(database.pool, new SecretBox(async () => 'key'), Date.now);
  const add = async (url: string) =>
    (await endpoints.add({ url, description: '', events: ['user.joined'] }))!.endpoint.id;
  for (let index = 0; index < 40; index += 1) await add(`https://slow-${index}.example/`);
  const joined = () => ({
    activityId: randomUUID(),
    sessionId: randomUUID(),
    userId: randomUUID(),
    type: 'user_joined',
  });
  const logger = createLogger({ pool: database.pool });
  await logger.logActivities(Array.from({ length: 100 }, joined));
  const healthy = await add('https://healthy.example/');
  const begun = Date.now() + 1000;
  const due = async (now: number) => {
    await database.pool.query(
      `INSERT INTO webhook_deliveries (endpoint_id, event_id, event_type, queued_at, next_attempt_at)
       VALUES ($1, gen_random_uuid(), 'user.joined', to_timestamp($2::float8 / 1000), to_timestamp($2::float8 / 1000))`,
      [healthy, now],
    );
  };
  const failed = attempts.length > 0 ? attempts : [1, 2, 3].map(() => ({ eventId: 'e', error: 'timeout' as const }));
  const holder = randomUUID();
  const waits: number[] = [];
  const working: { until: number; endpoint: ClaimedEndpoint }[] = [];
  // Until each endpoint was served once, nobody knows which are slow.
  const known = begun + 150_000;
  // Ten minutes, in steps of a second. Each slot takes the endpoint whose turn it is.
  for (let now = begun; now < begun + 600_000; now += 1000) {
    if ((now - begun) % 10_000 === 0) await due(now);
    for (const { endpoint, until } of working.filter((each) => each.until <= now)) {
      await queue.release(
        endpoint,
        holder,
        planEndpoint(failed, endpoint.failingSince ?? undefined, until),
        until,
        slowMillis,
      );
      working.splice(
        working.findIndex((each) => each.endpoint === endpoint),
        1,
      );
    }
    while (working.length < slots) {
      const endpoint = await queue.claim(holder, now, 90_000);
      if (!endpoint) break;
      if (endpoint.id !== healthy) {
        working.push({ endpoint, until: now + slowMillis });
        continue;
      }
      const waiting = await queue.due(healthy, now, 50);
      waits.push(...waiting.flatMap(({ queuedAt }) => (queuedAt > known ? [now - queuedAt] : [])));
      const settled = waiting.map(({ eventId }) => ({
        attempt: { eventId, status: 200 },
        plan: { state: 'delivered' as const },
      }));
      await queue.settle(endpoint, settled, now);
      await queue.release(endpoint, holder, planEndpoint([{ eventId: 'e', status: 200 }], undefined, now), now, 200);
    }
  }
  expect(waits.length).toBeGreaterThan(40);
  expect(Math.max(...waits)).toBeLessThanOrEqual(slowMillis);
});
