import { randomUUID } from 'node:crypto';
import {
  listDeliveries,
  type ManagingParts,
  type ReplayRequest,
  replayEvents,
  testEndpoint,
} from '../../lambdas/flows/webhooks/manage-endpoints.ts';
import { EndpointStore } from '../../lambdas/webhooks/endpoint-store.ts';
import { SecretBox } from '../../lambdas/webhooks/secret-box.ts';
import { type Position, WebhookQueue } from '../../lambdas/webhooks/webhook-queue.ts';
import { mostCounted, type WebhookState } from '../../protocol/webhooks.ts';
import { endpointLines } from '../../scripts/webhooks/sentences.ts';
import { createDatabase, type TestDatabase } from '../support/database.ts';
import { testServices } from '../support/test-services.ts';

const minute = 60_000;
let database: TestDatabase;
let queue: WebhookQueue;
let parts: ManagingParts;
const texts: string[] = [];

beforeAll(async () => {
  database = await createDatabase();
  const watched = {
    connect: () => database.pool.connect(),
    query(query: string | { text: string }, values?: unknown[]) {
      texts.push(typeof query === 'string' ? query : query.text);
      return database.pool.query(query as string, values);
    },
  } as unknown as TestDatabase['pool'];
  queue = new WebhookQueue(watched);
  parts = { endpoints: new EndpointStore(watched, new SecretBox(async () => 'key'), Date.now), anyTarget: true };
});
afterEach(() => database.pool.query('TRUNCATE webhook_endpoints, webhook_deliveries'));
afterAll(() => database.drop());

const services = () => testServices({ clock: Date.now, webhookQueue: queue });
const addEndpoint = async () =>
  (await parts.endpoints.add({ url: 'https://a.example/', description: '', events: ['user.left'] }))!.endpoint.id;
const fill = (endpointId: string, state: WebhookState, count: number) =>
  database.pool.query(
    `INSERT INTO webhook_deliveries (endpoint_id, event_id, event_type, state, queued_at, next_attempt_at, finished_at)
     SELECT $1, gen_random_uuid(), 'user.left', $2, at, at, CASE WHEN $2 <> 'pending' THEN at END
     FROM (SELECT now() - n / 10 * interval '1 millisecond' AS at FROM generate_series(1, $3::integer) n) times`,
    [endpointId, state, count],
  );
const stored = async (state: WebhookState) =>
  (await database.pool.query('SELECT FROM webhook_deliveries WHERE state = $1', [state])).rowCount;

test('[WH7] removing an endpoint takes no longer if it has many deliveries; they are not sent or shown, and the retention removes them', async () => {
  const [id, other] = [await addEndpoint(), await addEndpoint()];
  await fill(id, 'pending', 12_000);
  await fill(id, 'dead', 10);
  await fill(other, 'dead', 1);
  expect(await parts.endpoints.remove(id)).toBe(true);
  expect(await stored('pending')).toBe(12_000);
  expect(await queue.deliveries(id, { limit: 10 })).toEqual([]);
  expect(await queue.claim(randomUUID(), Date.now() + minute, minute)).toBeUndefined();
  expect(await queue.backlog(Date.now() + minute)).toEqual({ hasEndpoints: true, dueSince: null });
  await queue.removeExpired(Date.now());
  expect([await stored('pending'), await stored('dead')]).toEqual([0, 1]);
});

test('[WH7] the deliveries of an endpoint are counted up to a thousand, and above that the answer says that there are more', async () => {
  const id = await addEndpoint();
  await fill(id, 'pending', mostCounted);
  await fill(id, 'dead', mostCounted + 300);
  const endpoint = (await parts.endpoints.find(id))!;
  expect(endpoint.deliveries).toEqual({ pending: 1000, dead: 1001 });
  expect(endpointLines(endpoint)[1]).toContain('waiting: 1000, dead letters: more than 1,000');
});

test.each<[string, (id: string) => Promise<unknown>]>([
  ['listing deliveries', (id) => listDeliveries(services(), parts, id, { limit: 5 })],
  ['a replay of one event', (id) => replayEvents(services(), parts, id, { eventId: randomUUID() })],
  ['a test', (id) => testEndpoint(services(), parts, id)],
])('[WH7] %s counts no deliveries, and refuses an unknown endpoint', async (_, ask) => {
  const id = await addEndpoint();
  texts.length = 0;
  await ask(id);
  expect(texts.length).toBeGreaterThan(0);
  expect(texts.filter((text) => text.includes('count('))).toEqual([]);
  await expect(ask(randomUUID())).rejects.toMatchObject({ code: 'WEBHOOK_NOT_FOUND' });
});

test('[WH8] dead letters are sent again in parts of a thousand, each once, also if some die again meanwhile', async () => {
  const id = await addEndpoint();
  await fill(id, 'dead', 2500);
  const queued: number[] = [];
  let after: Position | undefined;
  do {
    const asked: ReplayRequest = { dead: true, after };
    const part = await replayEvents(services(), parts, id, asked);
    queued.push(part.queued);
    after = part.next;
    await database.pool.query(
      `UPDATE webhook_deliveries SET state = 'dead', finished_at = now() WHERE event_id IN
       (SELECT event_id FROM webhook_deliveries WHERE state = 'pending' ORDER BY queued_at DESC LIMIT 100)`,
    );
  } while (after);
  expect(queued).toEqual([1000, 1000, 500]);
  expect([await stored('pending'), await stored('dead')]).toEqual([2200, 300]);
});
