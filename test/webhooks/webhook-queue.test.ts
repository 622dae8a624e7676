import { randomUUID } from 'node:crypto';
import type { ActivityParams } from '../../lambdas/activity/activity-entry.ts';
import type { ActivityLogger } from '../../lambdas/activity/activity-logger.ts';
import type { Attempt } from '../../lambdas/webhooks/attempt.ts';
import { EndpointStore } from '../../lambdas/webhooks/endpoint-store.ts';
import { planDelivery } from '../../lambdas/webhooks/retry-plan.ts';
import { SecretBox } from '../../lambdas/webhooks/secret-box.ts';
import { webhookBody } from '../../lambdas/webhooks/webhook-payload.ts';
import { WebhookQueue } from '../../lambdas/webhooks/webhook-queue.ts';
import { serverActivityTypes } from '../../protocol/server-activity.ts';
import { eventTypeOfActivity, type WebhookEventType, webhookEventTypes } from '../../protocol/webhooks.ts';
import { createLogger } from '../support/activity-logger.ts';
import { createDatabase, type TestDatabase } from '../support/database.ts';
import '../activity/support.ts';

const minute = 60_000;
const url = 'https://example.com/';
let database: TestDatabase;
let logger: ActivityLogger;
let endpoints: EndpointStore;
let queue: WebhookQueue;

beforeAll(async () => {
  database = await createDatabase();
  logger = createLogger({ pool: database.pool });
  endpoints = new EndpointStore(database.pool, new SecretBox(async () => 'key'), Date.now);
  queue = new WebhookQueue(database.pool);
});
afterEach(() => database.pool.query('TRUNCATE webhook_endpoints, webhook_deliveries, activity_log, activity_unsealed'));
afterAll(() => database.drop());

const later = (millis = minute) => Date.now() + millis;
const addEndpoint = async (more: { events?: WebhookEventType[]; sessionId?: string; key?: string } = {}) => {
  const input = { url, description: '', events: [...webhookEventTypes], ...more };
  return (await endpoints.add(input))!.endpoint;
};
const joined = (sessionId: string = randomUUID(), more: Partial<ActivityParams> = {}): ActivityParams => ({
  ...{ activityId: randomUUID(), sessionId, userId: randomUUID(), type: 'user_joined', details: { role: 'viewer' } },
  ...more,
});
const write = (...entries: ActivityParams[]) => logger.logActivities(entries);
const queued = async (endpointId: string) =>
  (await queue.deliveries(endpointId, { limit: 1000 })).map(({ eventId }) => eventId).sort();
const idsOf = (...entries: ActivityParams[]) => entries.map(({ activityId }) => activityId!).sort();
const failed = (eventId: string): Attempt => ({ eventId, status: 500, error: 'status', response: 'oops' });
const settleAs = (endpointId: string, eventId: string, state: 'delivered' | 'dead') =>
  queue.settle({ id: endpointId, url }, [{ attempt: failed(eventId), plan: { state } }], Date.now());

test('[WH1] the database and the protocol agree on the type of each entry', async () => {
  const types = [...serverActivityTypes, 'comment_added', 'webhook.test', ''];
  const { rows } = await database.pool.query(
    'SELECT type, webhook_event_type(type) AS event FROM unnest($1::text[]) AS t (type)',
    [types],
  );
  const byDatabase = rows.filter(({ event }) => event !== null).map(({ type, event }) => [type, event]);
  expect(Object.fromEntries(byDatabase)).toEqual(eventTypeOfActivity);
});

test('[WH1] an event is queued once for each endpoint that wants it, with the entry and not without it', async () => {
  const session = randomUUID();
  const all = await addEndpoint();
  const leaves = await addEndpoint({ events: ['user.left'] });
  const one = await addEndpoint({ sessionId: session });
  const [join, other] = [joined(session), joined()];
  const leave = joined(session, { type: 'user_timeout', details: { reason: 'heartbeat_timeout', durationSeconds: 5 } });
  const comment = joined(session, { type: 'comment_added' });
  await write(join, other, leave, comment);
  await write(join, leave);
  expect(await queued(all.id)).toEqual(idsOf(join, other, leave));
  expect(await queued(leaves.id)).toEqual(idsOf(leave));
  expect(await queued(one.id)).toEqual(idsOf(join, leave));

  const client = await database.pool.connect();
  await client.query('BEGIN');
  const undone = joined(session);
  await client.query(
    `INSERT INTO activity_log (id, session_id, user_id, activity_type) VALUES ($1, $2, $3, 'user_joined')`,
    [undone.activityId, session, undone.userId],
  );
  await client.query('ROLLBACK');
  client.release();
  expect(await queued(all.id)).toEqual(idsOf(join, other, leave));
});

test.each([
  ['doc-1', ['doc-1', 'doc-*', '*']],
  ['other', ['*']],
  [null, []],
] as [string | null, string[]][])(
  '[WH1] an endpoint for keys gets the events of sessions whose key is %s, also after they are purged',
  async (key, wanting) => {
    const session = randomUUID();
    const byPattern = new Map<string, string>();
    for (const pattern of ['doc-1', 'doc-*', '*', 'do'])
      byPattern.set(pattern, (await addEndpoint({ key: pattern })).id);
    await database.pool.query(`INSERT INTO users (id, username) VALUES ($1, 'O')`, [session]);
    await database.pool.query(
      `INSERT INTO collaboration_sessions (id, operation_id, session_id, owner_id, key) VALUES ($1, 'op', $2, $1, $3)`,
      [session, session, key],
    );
    const [before, after] = [joined(session), joined(session)];
    await write(before);
    await database.pool.query('DELETE FROM collaboration_sessions WHERE id = $1', [session]);
    await database.pool.query(
      `INSERT INTO purged_sessions (id, session_id, operation_id, owner_id, purged_at, key) VALUES ($1, $2, 'op', $1, now(), $3)`,
      [session, session, key],
    );
    await write(after);
    for (const [pattern, id] of byPattern) {
      expect([pattern, await queued(id)]).toEqual([pattern, wanting.includes(pattern) ? idsOf(before, after) : []]);
    }
  },
);

test('[WH9] without an enabled endpoint nothing is queued', async () => {
  await write(joined());
  const { id } = await addEndpoint();
  await endpoints.change(id, { enabled: false });
  await write(joined());
  const { rows } = await database.pool.query('SELECT count(*)::integer AS count FROM webhook_deliveries');
  expect(rows[0].count).toBe(0);
  expect(await queue.backlog(later())).toEqual({ hasEndpoints: false, dueSince: null });
});

test('[WH1] an endpoint that is deleted while an entry is written does not make the entry fail', async () => {
  const { id } = await addEndpoint();
  const client = await database.pool.connect();
  await client.query('BEGIN');
  await client.query('DELETE FROM webhook_endpoints WHERE id = $1', [id]);
  const entry = joined();
  const writing = write(entry);
  await writing;
  await client.query('COMMIT');
  client.release();
  const { rowCount } = await database.pool.query('SELECT FROM activity_log WHERE id = $1', [entry.activityId]);
  expect(rowCount).toBe(1);
  await queue.removeExpired(Date.now());
  expect((await database.pool.query('SELECT FROM webhook_deliveries')).rowCount).toBe(0);
});

test('[WH4] each endpoint has one holder at a time, and those that wait longest come first', async () => {
  const [one, two] = [await addEndpoint(), await addEndpoint()];
  await write(joined());
  await database.pool.query(
    `UPDATE webhook_deliveries SET next_attempt_at = now() - interval '1 hour' WHERE endpoint_id = $1`,
    [two.id],
  );
  const now = later();
  expect((await queue.claim(randomUUID(), now, minute))?.id).toBe(two.id);
  const holder = randomUUID();
  expect((await queue.claim(holder, now, minute))?.id).toBe(one.id);
  expect(await queue.claim(holder, now, minute)).toBeUndefined();
  expect(await queue.backlog(now)).toEqual({ hasEndpoints: true, dueSince: null });
  // The holder of the first one was killed, so its lease ends.
  expect((await queue.claim(holder, now + minute, minute))?.id).toBe(two.id);
});

test('[WH4] ten sweeps that claim at once get ten different endpoints', async () => {
  for (let index = 0; index < 10; index += 1) await addEndpoint();
  await write(joined());
  const now = later();
  const claims = await Promise.all(Array.from({ length: 15 }, () => queue.claim(randomUUID(), now, minute)));
  const ids = claims.flatMap((claim) => (claim ? [claim.id] : []));
  expect(new Set(ids).size).toBe(ids.length);
  // A claim that met a locked row may find nothing; the next one finds the rest.
  while (ids.length < 10) ids.push((await queue.claim(randomUUID(), now, minute))!.id);
  expect(await queue.claim(randomUUID(), now, minute)).toBeUndefined();
});

test('[WH2] what is due has the content of the entry, and each attempt sends the same bytes', async () => {
  const { id } = await addEndpoint();
  const at = Date.UTC(2026, 1, 3, 4, 5, 6, 789);
  const entry = joined(undefined, {
    type: 'user_timeout',
    details: { reason: 'heartbeat_timeout', durationSeconds: 5 },
    at,
    username: 'Zoë',
  });
  await write(entry);
  const [first] = await queue.due(id, later(), 10);
  const body = webhookBody(first as never);
  expect(JSON.parse(body)).toEqual({
    type: 'user.left',
    timestamp: '2026-02-03T04:05:06.789Z',
    data: { sessionId: entry.sessionId, userId: entry.userId, username: 'Zoë', cause: 'timeout', durationSeconds: 5 },
  });
  const attempt = failed(entry.activityId!);
  await queue.settle({ id, url }, [{ attempt, plan: planDelivery(attempt, 0, Date.now(), 0) }], Date.now());
  expect(await queue.due(id, later(20_000), 10)).toEqual([]);
  const [second] = await queue.due(id, later(), 10);
  expect(second!.attempts).toBe(1);
  expect(webhookBody(second as never)).toBe(body);
});

test('[WH8] dead letters are listed in pages, and can be sent again, one or all', async () => {
  const { id } = await addEndpoint();
  const entries = Array.from({ length: 5 }, () => joined());
  await write(...entries);
  for (const { activityId: eventId } of entries.slice(0, 3)) await settleAs(id, eventId!, 'dead');
  await settleAs(id, entries[3]!.activityId!, 'delivered');
  expect(await endpoints.find(id)).toMatchObject({ deliveries: { pending: 1, dead: 3 } });
  const first = await queue.deliveries(id, { state: 'dead', limit: 2 });
  const { queuedAt, eventId } = first[1]!;
  const rest = await queue.deliveries(id, { state: 'dead', limit: 2, before: { at: queuedAt, id: eventId } });
  expect([...first, ...rest].map((each) => each.eventId).sort()).toEqual(idsOf(...entries.slice(0, 3)));
  expect(first[0]).toMatchObject({ state: 'dead', attempts: 1, status: 500, error: 'status', response: 'oops' });

  expect(await queue.replayOne(id, entries[0]!.activityId!, Date.now())).toBe(1);
  expect(await queue.replayOne(id, randomUUID(), Date.now())).toBe(0);
  expect(await queue.replayDead(id, { limit: 10 }, Date.now())).toEqual({ queued: 2 });
  expect(await endpoints.find(id)).toMatchObject({ deliveries: { pending: 4, dead: 0 } });
  expect((await queue.due(id, later(), 10)).every(({ attempts }) => attempts === 0)).toBe(true);
});

test('[WH8] a period is sent again from the audit trail, with what happened while the endpoint was disabled', async () => {
  const { id } = await addEndpoint({ events: ['user.joined'] });
  const [from, to] = [Date.UTC(2026, 0, 1), Date.UTC(2026, 0, 2)];
  const at = (time: number) => joined(undefined, { at: time });
  const [before, seen, end] = [at(from - 1), at(from), at(to)];
  await write(before, seen, end);
  await settleAs(id, seen.activityId!, 'delivered');
  await endpoints.change(id, { enabled: false });
  const unseen = Array.from({ length: 25 }, () => at(from + 5));
  await write(...unseen, joined(undefined, { at: from + 1, type: 'user_left', details: { cause: 'left' } }));
  await endpoints.change(id, { enabled: true });
  await database.pool.query(`DELETE FROM webhook_deliveries WHERE event_id = ANY ($1)`, [
    [before.activityId, end.activityId],
  ]);

  let [total, parts] = [0, 0];
  let after: Awaited<ReturnType<WebhookQueue['replayPeriod']>>['next'];
  do {
    const part = await queue.replayPeriod(id, { from, to, limit: 10, after }, Date.now());
    [total, parts, after] = [total + part.queued, parts + 1, part.next];
  } while (after);
  expect([total, parts]).toEqual([26, 3]);
  expect(await queued(id)).toEqual(idsOf(seen, ...unseen));
  expect(await endpoints.find(id)).toMatchObject({ deliveries: { pending: 26, dead: 0 } });
});

test('[WH8] delivered events are listed for a week and dead letters for thirty days', async () => {
  const { id } = await addEndpoint();
  const [delivered, dead, pending] = [joined(), joined(), joined()];
  await write(delivered, dead, pending);
  await settleAs(id, delivered.activityId!, 'delivered');
  await settleAs(id, dead.activityId!, 'dead');
  const day = 86_400_000;
  await queue.removeExpired(later(6 * day));
  expect(await queued(id)).toEqual(idsOf(delivered, dead, pending));
  await queue.removeExpired(later(7 * day));
  expect(await queued(id)).toEqual(idsOf(dead, pending));
  await queue.removeExpired(later(30 * day));
  expect(await queued(id)).toEqual(idsOf(pending));
  await endpoints.remove(id);
  expect(await queued(id)).toEqual([]);
});

test('[WH6] the service disables an endpoint once, and enabling it forgets why', async () => {
  const { id } = await addEndpoint();
  const plan = { hasSuccess: false, hasFailure: true, pausedUntil: later(), disabledCause: 'gone' } as const;
  expect(await queue.release({ id, url }, randomUUID(), plan, Date.now())).toBe(true);
  expect(
    await queue.release({ id, url }, randomUUID(), { ...plan, disabledCause: 'failing' as never }, Date.now()),
  ).toBe(false);
  expect(await endpoints.find(id)).toMatchObject({
    enabled: false,
    disabledCause: 'gone',
    failingSince: expect.any(Number),
  });
  const enabled = await endpoints.change(id, { enabled: true });
  expect(enabled).toMatchObject({ enabled: true });
  for (const name of ['disabledCause', 'failingSince', 'pausedUntil']) expect(enabled).not.toHaveProperty(name);
});

test('[WH3] a paused endpoint is not called until the pause ends', async () => {
  const { id } = await addEndpoint();
  await write(joined());
  const plan = { hasSuccess: false, hasFailure: true, pausedUntil: later(), disabledCause: undefined };
  await queue.release({ id, url }, randomUUID(), plan, Date.now());
  expect(await queue.claim(randomUUID(), later(minute / 2), minute)).toBeUndefined();
  expect((await queue.claim(randomUUID(), later(2 * minute), minute))?.id).toBe(id);
});
