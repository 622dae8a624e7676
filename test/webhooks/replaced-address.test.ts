import { randomUUID } from 'node:crypto';
import type { ActivityParams } from '../../lambdas/activity/activity-entry.ts';
import type { Attempt } from '../../lambdas/webhooks/attempt.ts';
import { EndpointStore } from '../../lambdas/webhooks/endpoint-store.ts';
import { SecretBox } from '../../lambdas/webhooks/secret-box.ts';
import { WebhookQueue } from '../../lambdas/webhooks/webhook-queue.ts';
import { createLogger } from '../support/activity-logger.ts';
import { createDatabase, type TestDatabase } from '../support/database.ts';
import '../activity/support.ts';

const minute = 60_000;
const url = 'https://example.com/';
let database: TestDatabase;
let endpoints: EndpointStore;
let queue: WebhookQueue;

beforeAll(async () => {
  database = await createDatabase();
  endpoints = new EndpointStore(database.pool, new SecretBox(async () => 'key'), Date.now);
  queue = new WebhookQueue(database.pool);
});
afterEach(() => database.pool.query('TRUNCATE webhook_endpoints, webhook_deliveries, activity_log, activity_unsealed'));
afterAll(() => database.drop());

const later = (millis = minute) => Date.now() + millis;
const addEndpoint = async () => (await endpoints.add({ url, description: '', events: ['user.joined'] }))!.endpoint;
const joined = (): ActivityParams => ({
  ...{ activityId: randomUUID(), sessionId: randomUUID(), userId: randomUUID(), type: 'user_joined' },
});
const write = (...entries: ActivityParams[]) => createLogger({ pool: database.pool }).logActivities(entries);
const idsOf = (...entries: ActivityParams[]) => entries.map(({ activityId }) => activityId!).sort();
const failed = (eventId: string): Attempt => ({ eventId, status: 500, error: 'status', response: 'oops' });

test.each([
  ['410', { disabledCause: 'gone' }],
  ['failures for days', { disabledCause: 'failing' }],
  ['a pause', { pausedUntil: 1 }],
] as const)(
  '[WH6] %s of an address that an admin has replaced meanwhile says nothing about the endpoint',
  async (_, answer) => {
    const { id } = await addEndpoint();
    await write(joined());
    const holder = randomUUID();
    const claimed = (await queue.claim(holder, later(), minute))!;
    await endpoints.change(id, { url: 'https://other.example/' });
    const plan = { hasSuccess: false, hasFailure: true, pausedUntil: undefined, disabledCause: undefined, ...answer };
    const until = plan.pausedUntil === undefined ? undefined : later(60 * minute);
    expect(await queue.release(claimed, holder, { ...plan, pausedUntil: until }, Date.now(), 25_000)).toBe(false);
    const endpoint = await endpoints.find(id);
    expect(endpoint).toMatchObject({ enabled: true });
    for (const name of ['disabledCause', 'failingSince', 'pausedUntil', 'lastFailureAt'])
      expect(endpoint).not.toHaveProperty(name);
    await queue.release(claimed, holder, { ...plan, hasSuccess: true }, Date.now());
    expect(await endpoints.find(id)).not.toHaveProperty('lastSuccessAt');
    // The lease is given back.
    expect((await queue.claim(randomUUID(), later(), minute))?.url).toBe('https://other.example/');
  },
);

test('[WH6] another address begins without the failures, the pause and the late turn of the one before', async () => {
  const endpoint = await addEndpoint();
  const plan = { hasSuccess: false, hasFailure: true, pausedUntil: later(), disabledCause: undefined };
  await queue.release(endpoint, randomUUID(), plan, Date.now(), 25_000);
  expect(await endpoints.find(endpoint.id)).toMatchObject({ failingSince: expect.any(Number) });
  const described = await endpoints.change(endpoint.id, { description: 'the same address' });
  expect(described).toMatchObject({ failingSince: expect.any(Number), pausedUntil: expect.any(Number) });
  const moved = await endpoints.change(endpoint.id, { url: 'https://other.example/' });
  for (const name of ['failingSince', 'pausedUntil']) expect(moved).not.toHaveProperty(name);
  const { rows } = await database.pool.query('SELECT turn_at FROM webhook_endpoints');
  expect(rows).toEqual([{ turn_at: null }]);
});

test('[WH3] what a replaced address did not accept is sent to the present one at once, and what it accepted is not', async () => {
  const { id } = await addEndpoint();
  const [gone, late, accepted] = [joined(), joined(), joined()];
  await write(gone, late, accepted);
  await endpoints.change(id, { url: 'https://other.example/' });
  const now = later();
  const settled = [
    { attempt: failed(gone.activityId!), plan: { state: 'dead' as const } },
    { attempt: failed(late.activityId!), plan: { state: 'pending' as const, nextAttemptAt: later(60 * minute) } },
    { attempt: { eventId: accepted.activityId!, status: 200 }, plan: { state: 'delivered' as const } },
  ];
  await queue.settle({ id, url }, settled, now);
  expect((await queue.due(id, now, 10)).map(({ eventId }) => eventId).sort()).toEqual(idsOf(gone, late));
  await queue.settle({ id, url: 'https://other.example/' }, settled.slice(0, 2), now);
  expect(await queue.due(id, now, 10)).toEqual([]);
  expect((await queue.deliveries(id, { state: 'dead', limit: 10 })).map(({ eventId }) => eventId)).toEqual(idsOf(gone));
});
