import { createHmac, randomUUID, timingSafeEqual } from 'node:crypto';
import { readFileSync } from 'node:fs';
import type { IncomingHttpHeaders } from 'node:http';
import { join } from 'node:path';
import { sendDueWebhooks } from '../../lambdas/flows/webhooks/send-due.ts';
import { Meter } from '../../lambdas/platform/meter.ts';
import { EndpointStore } from '../../lambdas/webhooks/endpoint-store.ts';
import { postBatch } from '../../lambdas/webhooks/post-batch.ts';
import { mostAttempts, retryDelays } from '../../lambdas/webhooks/retry-plan.ts';
import { SecretBox } from '../../lambdas/webhooks/secret-box.ts';
import { WebhookQueue } from '../../lambdas/webhooks/webhook-queue.ts';
import { makeWebhookSecret, webhookHeaders } from '../../lambdas/webhooks/webhook-signature.ts';
import { createLogger } from '../support/activity-logger.ts';
import { createDatabase, type TestDatabase } from '../support/database.ts';
import { testServices } from '../support/test-services.ts';
import { type Received, WebhookReceiver } from '../support/webhook-receiver.ts';
import '../activity/support.ts';

const minute = 60_000;
const box = new SecretBox(async () => 'key');
const receiver = new WebhookReceiver();
const accepted: Received[] = [];
const refused: Received[] = [];
/** The right time, and how far the clocks of the service and of the receiver are from it. Milliseconds. */
let now: number;
const off = { service: 0, receiver: 0 };
let database: TestDatabase;
let queue: WebhookQueue;

/** The verifier as docs/webhooks.md shows it. */
const isFromRollcall = documentedVerifier();
function documentedVerifier() {
  const page = readFileSync(join(__dirname, '..', '..', 'docs', 'webhooks.md'), 'utf8');
  const [, tolerance] = /^(const toleranceSeconds = \d+;)$/m.exec(page)!;
  const [, verifier] = /^export (function isFromRollcall[\s\S]*?^})$/m.exec(page)!;
  const make = new Function('createHmac', 'timingSafeEqual', `${tolerance}\nreturn ${verifier}`);
  type Verifier = (headers: IncomingHttpHeaders, body: string, secret: string, now: number) => boolean;
  return make(createHmac, timingSafeEqual) as Verifier;
}

beforeAll(async () => {
  await receiver.open();
  database = await createDatabase();
  queue = new WebhookQueue(database.pool);
});
beforeEach(() => {
  now = Date.now() + 1000;
  Object.assign(off, { service: 0, receiver: 0 });
  accepted.length = 0;
  refused.length = 0;
});
afterEach(() => database.pool.query('TRUNCATE webhook_endpoints, webhook_deliveries, activity_log, activity_unsealed'));
afterAll(async () => {
  await database.drop();
  await receiver.close();
});

/** Adds the endpoint of the receiver, and writes three events. */
async function begin(): Promise<{ endpointId: string; events: string[] }> {
  const input = { url: receiver.url('/'), description: '', events: ['user.joined' as const] };
  const { endpoint, secret } = (await new EndpointStore(database.pool, box, () => now).add(input))!;
  receiver.answers.set('/', (request, response, received) => {
    const isRight = isFromRollcall(request.headers, received.body, secret, now + off.receiver);
    (isRight ? accepted : refused).push(received);
    response.writeHead(isRight ? 204 : 401).end();
  });
  const events = [randomUUID(), randomUUID(), randomUUID()].sort();
  const joined = (activityId: string) => ({
    ...{ activityId, sessionId: randomUUID(), userId: randomUUID(), type: 'user_joined' as const },
  });
  await createLogger({ pool: database.pool }).logActivities(events.map(joined));
  return { endpointId: endpoint.id, events };
}

/** Lets minutes pass. In each of them the sweep sends over HTTP what is due by the clock of the service. */
async function pass(minutes: number): Promise<void> {
  for (let step = 0; step < minutes; step += 1) {
    const clock = () => now + off.service;
    const services = testServices({ clock, metrics: new Meter(() => {}), webhookQueue: queue });
    const send: Parameters<typeof sendDueWebhooks>[1]['send'] = (batch) => postBatch(batch, { anyTarget: true }, clock);
    const parts = { secrets: box, random: () => 0, send };
    await sendDueWebhooks(services, parts, { remaining: () => 60 * minute }, randomUUID());
    now += minute;
  }
}
const deliveries = (id: string) => queue.deliveries(id, { limit: 10 });
const idsOf = (received: readonly Received[]) => received.map(({ id }) => id).sort();

test.each([
  ['receiver', 'fast', 10 * minute],
  ['receiver', 'slow', -10 * minute],
  ['service', 'fast', 10 * minute],
  ['service', 'slow', -10 * minute],
] as const)(
  '[WH2] while the clock of the %s is ten minutes %s, each event is refused; then each arrives once',
  async (whose, _, millis) => {
    const { endpointId, events } = await begin();
    off[whose] = millis;
    await pass(15);
    expect(accepted).toEqual([]);
    const refusedFor = (event: string) => refused.filter(({ id }) => id === event);
    for (const event of events) expect(refusedFor(event).length).toBeGreaterThanOrEqual(3);
    const seen = { state: 'pending', status: 401, error: 'status' };
    expect(await deliveries(endpointId)).toEqual(events.map(() => expect.objectContaining(seen)));

    off[whose] = 0;
    await pass(60);
    expect(idsOf(accepted)).toEqual(events);
    expect((await deliveries(endpointId)).map(({ state }) => state)).toEqual(events.map(() => 'delivered'));
    for (const last of accepted) {
      const all = [...refusedFor(last.id), last];
      expect(new Set(all.map(({ body }) => body)).size).toBe(1);
      // Each attempt is signed anew, with a later time than the one before it.
      const times = all.map(({ timestamp }) => timestamp);
      expect(times).toEqual([...new Set(times)].sort((one, other) => one - other));
      expect(new Set(all.map(({ signatures }) => signatures.join())).size).toBe(all.length);
    }
  },
);

test('[WH8] a clock that is wrong for longer than all attempts makes dead letters, which a replay delivers with the same ids', async () => {
  const { endpointId, events } = await begin();
  off.receiver = 10 * minute;
  for (const wait of [...retryDelays, 0]) {
    await pass(1);
    now += wait;
  }
  expect(refused).toHaveLength(mostAttempts * events.length);
  expect((await deliveries(endpointId)).map(({ state }) => state)).toEqual(events.map(() => 'dead'));
  off.receiver = 0;
  expect(await queue.replayDead(endpointId, { limit: 1000 }, now)).toEqual({ queued: events.length });
  await pass(2);
  expect(idsOf(accepted)).toEqual(events);
});

test('[WH2] the documented verifier accepts a difference of five minutes, and no more', () => {
  const [secret, body, timestamp] = [makeWebhookSecret(), '{}', 1_800_000_000];
  const headers = webhookHeaders({ id: 'e-1', timestamp, body }, [secret]);
  const after = (seconds: number) => isFromRollcall(headers, body, secret, (timestamp + seconds) * 1000);
  expect([-301, -300, 0, 300, 301].map(after)).toEqual([false, true, true, true, false]);
});
