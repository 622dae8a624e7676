import { randomUUID } from 'node:crypto';
import type { ActivityLogger } from '../../../lambdas/activity/activity-logger.ts';
import { leaseMillis, type SendingParts, sendDueWebhooks } from '../../../lambdas/flows/webhooks/send-due.ts';
import { checkWebhooks, WebhookWatch } from '../../../lambdas/flows/webhooks/watch-webhooks.ts';
import { type Measured, Meter } from '../../../lambdas/platform/meter.ts';
import type { Attempt, WebhookBatch, WebhookRequest } from '../../../lambdas/webhooks/attempt.ts';
import { EndpointStore } from '../../../lambdas/webhooks/endpoint-store.ts';
import { SecretBox } from '../../../lambdas/webhooks/secret-box.ts';
import { WebhookQueue } from '../../../lambdas/webhooks/webhook-queue.ts';
import { createLogger } from '../../support/activity-logger.ts';
import { createDatabase, type TestDatabase } from '../../support/database.ts';
import { testServices } from '../../support/test-services.ts';
import '../../activity/support.ts';

const hour = 3_600_000;
let database: TestDatabase;
let logger: ActivityLogger;
let now: number;
/** Ends the requests of receivers that hang, also if a test fails. */
let release: PromiseWithResolvers<void>;
const box = new SecretBox(async () => 'key');
const lines: string[] = [];
const measured: Measured[] = [];

beforeAll(async () => {
  database = await createDatabase();
  logger = createLogger({ pool: database.pool });
});
beforeEach(() => {
  // What a test writes is due by this clock, however long the writing takes.
  now = Date.now() + 60_000;
  release = Promise.withResolvers<void>();
  lines.length = 0;
  measured.length = 0;
});
afterEach(() => release.resolve());
afterEach(() => database.pool.query('TRUNCATE webhook_endpoints, webhook_deliveries, activity_log, activity_unsealed'));
afterAll(() => database.drop());

const started = jest.fn(async () => {});
const services = () => {
  const line = (message: string, context?: unknown) => void lines.push(`${message} ${JSON.stringify(context ?? '')}`);
  return testServices({
    clock: () => now,
    log: { debug: line, info: line, warn: line, error: line },
    metrics: new Meter((each) => measured.push(each)),
    webhookQueue: new WebhookQueue(database.pool),
    webhookSweepFunction: 'webhook-sweep',
    startFunction: started,
  });
};
const addEndpoint = async (url: string) => {
  const store = new EndpointStore(database.pool, box, () => now);
  return (await store.add({ url, description: '', events: ['user.joined'] }))!.endpoint.id;
};
const write = async (count: number) => {
  const activityIds = Array.from({ length: count }, () => randomUUID());
  await logger.logActivities(
    activityIds.map((activityId) => ({
      activityId,
      sessionId: randomUUID(),
      userId: randomUUID(),
      type: 'user_joined',
    })),
  );
  return activityIds;
};
const rows = async () =>
  (await database.pool.query('SELECT * FROM webhook_deliveries ORDER BY event_id')).rows as Record<string, unknown>[];
/** Sends what is due. @param answer how the sender ends each request; undefined: it had no time for it. */
async function send(
  answer: (request: WebhookRequest) => Partial<Attempt> | undefined,
  over = services(),
): Promise<WebhookBatch[]> {
  const batches: WebhookBatch[] = [];
  const parts: SendingParts = {
    secrets: box,
    random: () => 0,
    async send(batch) {
      batches.push(batch);
      const attempts = batch.requests.flatMap((request) => {
        const ended = answer(request);
        return ended ? [{ eventId: request.eventId, ...ended }] : [];
      });
      return { attempts };
    },
  };
  await sendDueWebhooks(over, parts, { remaining: () => hour }, randomUUID());
  over.metrics.writeAll();
  return batches;
}
const ok = () => ({ status: 200 });
const idsIn = (batches: WebhookBatch[]) =>
  batches.flatMap(({ requests }) => requests.map(({ eventId }) => eventId)).sort();

test('[WH4] many events go out in batches of one endpoint, each once', async () => {
  await addEndpoint('https://a.example/');
  await addEndpoint('https://b.example/');
  const events = await write(120);
  const batches = await send(ok);
  expect(
    batches.every(({ requests }) => new Set(requests.map(({ url }) => url)).size === 1 && requests.length <= 50),
  ).toBe(true);
  expect(idsIn(batches)).toEqual([...events, ...events].sort());
  expect((await rows()).every(({ state }) => state === 'delivered')).toBe(true);
  expect(await send(ok)).toEqual([]);
  expect(measured[0]!.get('webhooksDelivered')).toEqual([240]);
});

test('[WH4] an endpoint that does not answer delays no other', async () => {
  const slow = await addEndpoint('https://slow.example/');
  for (let index = 0; index < 20; index += 1) await addEndpoint(`https://fast-${index}.example/`);
  await write(3);
  await database.pool.query(
    `UPDATE webhook_deliveries SET next_attempt_at = now() - interval '1 hour' WHERE endpoint_id = $1`,
    [slow],
  );
  const parts: SendingParts = {
    secrets: box,
    random: () => 0,
    async send({ requests }) {
      if (requests[0]!.url.includes('slow')) await release.promise;
      return { attempts: requests.map(({ eventId }) => ({ eventId, status: 200 })) };
    },
  };
  const sweep = sendDueWebhooks(services(), parts, { remaining: () => hour }, randomUUID());
  const isFast = ({ endpoint_id: id }: Record<string, unknown>) => id !== slow;
  while ((await rows()).filter(isFast).some(({ state }) => state !== 'delivered')) await new Promise(setImmediate);
  expect((await rows()).filter((row) => !isFast(row)).map(({ state }) => state)).toEqual(Array(3).fill('pending'));
  release.resolve();
  await sweep;
  expect((await rows()).every(({ state }) => state === 'delivered')).toBe(true);
});

test('[WH4] after many batches of one busy endpoint, eight others are still served at the same time', async () => {
  await addEndpoint('https://busy.example/');
  await write(500);
  const late = [
    'hanging-0',
    'hanging-1',
    'healthy',
    ...Array.from({ length: 8 }, (_, index) => `hanging-${index + 2}`),
  ];
  const queueForOthers = async () => {
    for (const [index, name] of late.entries()) {
      const id = await addEndpoint(`https://${name}.example/`);
      const [event] = await write(1);
      await database.pool.query(`DELETE FROM webhook_deliveries WHERE event_id = $1 AND endpoint_id <> $2`, [
        event,
        id,
      ]);
      await database.pool.query(
        `UPDATE webhook_deliveries SET next_attempt_at = next_attempt_at - $2 * interval '1 minute' WHERE endpoint_id = $1`,
        [id, 60 - index],
      );
    }
  };
  const isHealthyServed = Promise.withResolvers<void>();
  const areEightWaiting = Promise.withResolvers<void>();
  const over = services();
  const claims = jest.spyOn(over.webhookQueue, 'claim');
  let claimsOfBusy = 0;
  let [busyBatches, waiting] = [0, 0];
  const parts: SendingParts = {
    secrets: box,
    random: () => 0,
    async send({ requests }) {
      const { url } = requests[0]!;
      if (url.includes('busy') && ++busyBatches === 10) {
        claimsOfBusy = claims.mock.calls.length;
        await queueForOthers();
      }
      if (url.includes('healthy')) isHealthyServed.resolve();
      if (url.includes('hanging')) {
        if (++waiting === 8) areEightWaiting.resolve();
        await release.promise;
      }
      return { attempts: requests.map(({ eventId }) => ({ eventId, status: 200 })) };
    },
  };
  const sweep = sendDueWebhooks(over, parts, { remaining: () => hour }, randomUUID());
  await Promise.all([isHealthyServed.promise, areEightWaiting.promise]);
  expect(waiting).toBe(8);
  release.resolve();
  await sweep;
  expect((await rows()).every(({ state }) => state === 'delivered')).toBe(true);
  // Ten found the busy endpoint. Others found nothing: one, or a few if the first of them was slow, but not one for each batch.
  expect(claimsOfBusy).toBeGreaterThan(10);
  expect(claimsOfBusy).toBeLessThan(15);
});

test('[WH4] if the sender fails, nothing counts as an attempt and the events go out half a minute later', async () => {
  await addEndpoint('https://a.example/');
  const events = await write(2);
  const fail = () => {
    throw new Error('killed');
  };
  await send(fail);
  expect((await rows()).map(({ state, attempts }) => [state, attempts])).toEqual(Array(2).fill(['pending', 0]));
  expect(lines.join()).toContain('The sender of webhooks failed');
  expect(await send(ok)).toEqual([]);
  now += 31_000;
  expect(idsIn(await send(ok))).toEqual(events.sort());
});

test('[WH4] what the sender had no time for goes out with the next batch', async () => {
  await addEndpoint('https://a.example/');
  const events = await write(5);
  let left = 3;
  const batches = await send(() => (left-- > 0 ? { status: 200 } : left < -2 ? { status: 200 } : undefined));
  expect(batches).toHaveLength(2);
  expect(new Set(idsIn(batches))).toEqual(new Set(events));
  expect((await rows()).map(({ attempts }) => attempts)).toEqual(Array(5).fill(1));
});

test('[WH1] if PostgreSQL fails after the sending, the events go out again after the lease, with the same ids', async () => {
  await addEndpoint('https://a.example/');
  const events = await write(3);
  const breaking = services();
  const queue = breaking.webhookQueue;
  queue.settle = async () => {
    throw new Error('away');
  };
  expect(idsIn(await send(ok, breaking))).toEqual(events.sort());
  expect(await send(ok)).toEqual([]);
  now += leaseMillis;
  expect(idsIn(await send(ok))).toEqual(events.sort());
  expect((await rows()).every(({ state }) => state === 'delivered')).toBe(true);
});

test('[WH3] an event whose entry is not kept any more becomes a dead letter and is not sent', async () => {
  const endpoint = await addEndpoint('https://a.example/');
  const [gone, kept] = await write(2);
  await database.pool.query('DELETE FROM activity_log WHERE id = $1', [gone]);
  expect(idsIn(await send(ok))).toEqual([kept]);
  const byId = new Map((await rows()).map((row) => [row['event_id'], row]));
  expect(byId.get(gone)).toMatchObject({ state: 'dead', last_error: 'entry_removed' });
  expect(byId.get(kept)).toMatchObject({ state: 'delivered' });
  const { rows: endpoints } = await database.pool.query('SELECT failing_since FROM webhook_endpoints WHERE id = $1', [
    endpoint,
  ]);
  expect(endpoints[0].failing_since).toBeNull();
});

test('[WH6] an endpoint that fails for three days is disabled, counted and logged without its secret', async () => {
  await addEndpoint('https://a.example/');
  const failing = () => ({ status: 500, error: 'status' as const });
  for (let hours = 0; hours <= 73; hours += 1) {
    await write(1);
    await send(failing);
    now += hour;
  }
  const { rows: endpoints } = await database.pool.query('SELECT enabled, disabled_cause FROM webhook_endpoints');
  expect(endpoints).toEqual([{ enabled: false, disabled_cause: 'failing' }]);
  expect(measured.flatMap((each) => each.get('webhooksDisabled') ?? []).filter((value) => value > 0)).toEqual([1]);
  expect(lines.filter((line) => line.includes('is disabled'))).toHaveLength(1);
});

/** A watch whose ticks end when it has looked. */
function watching() {
  const over = services();
  const looks = jest.spyOn(over.webhookQueue, 'backlog');
  const watch = new WebhookWatch(over);
  return async (at: number) => {
    watch.tick(at);
    await Promise.all(looks.mock.results.map(({ value }) => value));
    // Then it starts a sweep, or not.
    await new Promise(setImmediate);
  };
}

test('[WH9] without an endpoint a watch looks every ten seconds and starts nothing', async () => {
  const calls = jest.spyOn(database.pool, 'query');
  started.mockClear();
  const tick = watching();
  for (let second = 0; second < 30; second += 1) await tick(now + second * 1000);
  expect(calls).toHaveBeenCalledTimes(3);
  calls.mockRestore();
  const own = services();
  await checkWebhooks(own);
  own.metrics.writeAll();
  expect(measured).toEqual([]);
  expect(started).not.toHaveBeenCalled();
});

test('[WH4] with an endpoint a watch looks every two seconds, and starts the sweep if something is due', async () => {
  await addEndpoint('https://a.example/');
  started.mockClear();
  const tick = watching();
  await tick(now);
  await write(1);
  now += 2000;
  await tick(now - 1);
  expect(started).not.toHaveBeenCalled();
  await tick(now);
  expect(started).toHaveBeenCalledTimes(1);
  expect(started).toHaveBeenCalledWith('webhook-sweep', {});
  await tick(now + 4999);
  expect(started).toHaveBeenCalledTimes(1);
  await tick(now + 5000);
  expect(started).toHaveBeenCalledTimes(2);
  now += 60_000;
  const own = services();
  await checkWebhooks(own);
  own.metrics.writeAll();
  expect(started).toHaveBeenCalledTimes(3);
  expect(measured[0]!.get('webhooksAge')![0]).toBeGreaterThan(55);
});
