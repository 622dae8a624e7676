import { execFile } from 'node:child_process';
import { join } from 'node:path';
import type { WebhookDelivery, WebhookEndpoint } from '../../protocol/webhooks.ts';
import { tokenOf } from '../support/client.ts';
import { startTestStack, type TestStack } from '../support/stack.ts';
import { timeLimits } from '../support/time-limits.ts';
import { isSigned, WebhookReceiver } from '../support/webhook-receiver.ts';

const project = join(__dirname, '..', '..');
let stack: TestStack;
let admin: string;
const receiver = new WebhookReceiver();

beforeAll(async () => {
  await receiver.open();
  stack = await startTestStack();
  admin = (await tokenOf(stack, 'root', { admin: true })).token;
});
afterAll(async () => {
  await stack.close();
  await receiver.close();
});

async function api(method: string, path: string, body?: unknown, token = admin) {
  const over = Date.now() + timeLimits.event;
  let response: Response;
  do {
    response = await fetch(`${stack.http}${path}`, {
      method,
      headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    // The throttle, the return of PostgreSQL after an outage and killed requests are not the subject of these tests.
  } while ((response.status === 429 || response.status >= 500) && Date.now() < over);
  return { status: response.status, body: await response.json() };
}

async function addEndpoint(path: string, more: object = {}): Promise<{ endpoint: WebhookEndpoint; secret: string }> {
  const { status, body } = await api('POST', '/webhooks', { url: receiver.url(path), ...more });
  expect([status, body]).toEqual([201, { endpoint: expect.anything(), secret: expect.stringMatching(/^whsec_/) }]);
  return body;
}
const endpointOf = async (id: string): Promise<WebhookEndpoint> => (await api('GET', `/webhooks/${id}`)).body.endpoint;
const deliveriesOf = async (id: string, query = ''): Promise<WebhookDelivery[]> =>
  (await api('GET', `/webhooks/${id}/deliveries${query}`)).body.items;

/** Makes all retries due now, and lets the sweep of the minute look. */
async function passTime(id: string): Promise<void> {
  await stack.database.query(
    `UPDATE webhook_deliveries SET next_attempt_at = now() WHERE endpoint_id = $1 AND state = 'pending'`,
    [id],
  );
  await stack.database.query('UPDATE webhook_endpoints SET paused_until = NULL WHERE id = $1', [id]);
  await stack.fireSchedule('CleanupSweep');
}

/** Waits until the condition holds. Every two seconds the sweep runs that the schedule of the minute starts on AWS. */
async function until(holds: () => boolean | Promise<boolean>, what: string): Promise<void> {
  const over = Date.now() + timeLimits.event;
  for (let sweepAt = Date.now() + 2000; !(await holds()); ) {
    if (Date.now() > over) {
      const received = receiver.received.map(({ path, type }) => `${path} ${type}`).join(', ');
      throw new Error(`${what} Received: ${received}.\n${stack.lines.slice(-20).join('\n')}`);
    }
    if (Date.now() > sweepAt) {
      await stack.fireSchedule('CleanupSweep');
      sweepAt = Date.now() + 2000;
    }
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

test('[WH1][WH2] a join, a leave and an end reach the endpoint, signed, with the ids of their audit entries', async () => {
  const { endpoint, secret } = await addEndpoint('/life', { events: ['user.joined', 'user.left', 'session.ended'] });
  const { owner, session } = await stack.host('olive');
  const guest = await stack.arrive('gus');
  await guest.expect('session_joined', { type: 'session_join', sessionId: session.id });
  await guest.expect('session_left', { type: 'session_leave', sessionId: session.id });
  await owner.expect('session_ended', { type: 'session_end', sessionId: session.id, status: 'completed' });
  const idsInAudit = async () =>
    (await stack.audit(session.id)).filter(({ activity_type: type }) => type !== 'session_created').map(({ id }) => id);
  await until(async () => {
    const [sent, written] = [new Set(receiver.at('/life').map(({ id }) => id)), await idsInAudit()];
    return written.length >= 5 && written.every((id) => sent.has(id));
  }, 'Not all entries were sent.');
  const received = receiver.at('/life').filter(({ data }) => data['sessionId'] === session.id);
  expect(received.every((each) => isSigned(each, secret))).toBe(true);
  expect(
    received.find(({ type, data }) => type === 'user.left' && data['userId'] === guest.userId)?.data,
  ).toMatchObject({
    ...{ session: session.sessionId, username: 'Gus', cause: 'left', durationSeconds: expect.any(Number) },
  });
  expect(received.map(({ id }) => id).sort()).toEqual((await idsInAudit()).sort());
  await until(async () => (await endpointOf(endpoint.id)).deliveries.pending === 0, 'The deliveries are not noted.');
  expect(await endpointOf(endpoint.id)).toMatchObject({ lastSuccessAt: expect.any(Number), deliveries: { dead: 0 } });
  expect(stack.lines.join('\n')).not.toContain(secret.slice(6));
  await api('DELETE', `/webhooks/${endpoint.id}`);
});

test('[WH3][WH4] an endpoint that hangs or fails delays no other, and its events are sent again with the same id and bytes', async () => {
  const hanging = await addEndpoint('/hangs');
  const failing = await addEndpoint('/fails');
  const fine = await addEndpoint('/fine');
  receiver.answers.set('/hangs', () => {});
  receiver.answers.set('/fails', (_, response) => response.writeHead(500).end('not today'));
  const { session } = await stack.host('fay');
  const about = (path: string) => receiver.at(path).filter(({ data }) => data['sessionId'] === session.id);
  await until(() => about('/fine').length === 2, 'Missing: both events while another receiver hangs');
  await until(() => about('/fails').length === 2, 'Missing: both events at the failing receiver');
  await until(
    async () => (await deliveriesOf(failing.endpoint.id)).every(({ attempts }) => attempts === 1),
    'not noted',
  );
  expect((await deliveriesOf(failing.endpoint.id))[0]).toMatchObject({
    ...{ state: 'pending', attempts: 1, status: 500, error: 'status', response: 'not today' },
  });
  await until(
    async () => (await deliveriesOf(hanging.endpoint.id)).every(({ error }) => error === 'timeout'),
    'no timeout',
  );

  receiver.answers.delete('/fails');
  await passTime(failing.endpoint.id);
  await until(() => about('/fails').length === 4, 'Missing: the second attempts');
  const [first, second] = [about('/fails').slice(0, 2), about('/fails').slice(2)];
  const byId = (list: typeof first) => list.map(({ id, body }) => [id, body]).sort();
  expect(byId(second)).toEqual(byId(first));
  await until(async () => (await endpointOf(failing.endpoint.id)).deliveries.pending === 0, 'not delivered');
  for (const { endpoint } of [hanging, failing, fine]) await api('DELETE', `/webhooks/${endpoint.id}`);
});

test('[WH3][WH8] after eight attempts an event is a dead letter, which is kept, listed and sent again on request', async () => {
  const { endpoint } = await addEndpoint('/dead', { events: ['session.created'] });
  receiver.answers.set('/dead', (_, response) =>
    response.writeHead(302, { location: receiver.url('/elsewhere') }).end(),
  );
  const { session } = await stack.host('dee');
  for (let attempt = 1; attempt <= 8; attempt += 1) {
    await until(() => receiver.at('/dead').length >= attempt, `attempt ${attempt}`);
    await until(
      async () => (await deliveriesOf(endpoint.id))[0]?.attempts === attempt,
      `Attempt ${attempt} is not noted.`,
    );
    if (attempt < 8) await passTime(endpoint.id);
  }
  const [dead] = await deliveriesOf(endpoint.id, '?state=dead');
  expect(dead).toMatchObject({ type: 'session.created', state: 'dead', attempts: 8, status: 302, error: 'redirect' });
  expect(receiver.at('/elsewhere')).toEqual([]);
  expect(await endpointOf(endpoint.id)).toMatchObject({
    deliveries: { pending: 0, dead: 1 },
    failingSince: expect.any(Number),
  });

  receiver.answers.delete('/dead');
  const replay = (body: object) => api('POST', `/webhooks/${endpoint.id}/replay`, body);
  expect(await replay({ dead: true })).toEqual({ status: 202, body: { queued: 1 } });
  await until(() => receiver.at('/dead').length === 9, 'Missing: the dead letter');
  expect(new Set(receiver.at('/dead').map(({ id }) => id))).toEqual(new Set([dead!.eventId]));
  await until(async () => (await deliveriesOf(endpoint.id))[0]?.state === 'delivered', 'not delivered');
  expect(await replay({ eventId: dead!.eventId })).toMatchObject({ body: { queued: 1 } });
  expect(await replay({ from: session.startTime ?? 0 })).toMatchObject({
    status: 202,
    body: { queued: expect.any(Number) },
  });
  await until(() => receiver.at('/dead').length >= 10, 'Missing: the replay');
  await api('DELETE', `/webhooks/${endpoint.id}`);
});

test('[WH6] 410 disables the endpoint, which an admin sees and can undo; what happened meanwhile is replayed by its time', async () => {
  const { endpoint } = await addEndpoint('/gone', { events: ['session.created'] });
  receiver.answers.set('/gone', (_, response) => response.writeHead(410).end());
  const started = Date.now() - 60_000;
  await stack.host('gil');
  await until(async () => !(await endpointOf(endpoint.id)).enabled, 'The endpoint is not disabled.');
  expect(await endpointOf(endpoint.id)).toMatchObject({ disabledCause: 'gone', deliveries: { dead: 1 } });
  const { session } = await stack.host('gal');
  expect((await endpointOf(endpoint.id)).deliveries).toEqual({ pending: 0, dead: 1 });
  expect(await api('POST', `/webhooks/${endpoint.id}/test`)).toMatchObject({ status: 400 });

  receiver.answers.delete('/gone');
  expect(await api('PATCH', `/webhooks/${endpoint.id}`, { enabled: true })).toMatchObject({ status: 200 });
  await api('POST', `/webhooks/${endpoint.id}/replay`, { from: started });
  await until(() => receiver.at('/gone').some(({ data }) => data['sessionId'] === session.id), 'the missed event');
  await api('DELETE', `/webhooks/${endpoint.id}`);
});

test('[WH3] Retry-After of a busy receiver pauses the endpoint', async () => {
  const { endpoint } = await addEndpoint('/busy', { events: ['session.created'] });
  receiver.answers.set('/busy', (_, response) => response.writeHead(429, { 'retry-after': '3600' }).end());
  await stack.host('bea');
  await until(async () => (await endpointOf(endpoint.id)).pausedUntil !== undefined, 'The endpoint is not paused.');
  const { pausedUntil } = await endpointOf(endpoint.id);
  const [delivery] = await deliveriesOf(endpoint.id);
  expect(pausedUntil! - Date.now()).toBeGreaterThan(3_500_000);
  expect(delivery!.nextAttemptAt! - Date.now()).toBeGreaterThan(3_500_000);
  await stack.host('bob');
  await stack.fireSchedule('CleanupSweep');
  expect(receiver.at('/busy')).toHaveLength(1);
  await api('DELETE', `/webhooks/${endpoint.id}`);
});

test('[WH2] during a rotation both secrets are valid, and after it only the current one', async () => {
  const { endpoint, secret: old } = await addEndpoint('/rotates');
  const { body } = await api('POST', `/webhooks/${endpoint.id}/rotate`, { overlapSeconds: 3600 });
  const send = async () => {
    const { status, body: sent } = await api('POST', `/webhooks/${endpoint.id}/test`);
    expect(status).toBe(202);
    await until(() => receiver.at('/rotates').some(({ id }) => id === sent.eventId), 'Missing: the test');
    return receiver.at('/rotates').find(({ id }) => id === sent.eventId)!;
  };
  const during = await send();
  expect(during.type).toBe('webhook.test');
  expect([isSigned(during, old), isSigned(during, body.secret)]).toEqual([true, true]);
  await stack.database.query(
    `UPDATE webhook_endpoints SET previous_until = now() - interval '1 second' WHERE id = $1`,
    [endpoint.id],
  );
  const after = await send();
  expect([isSigned(after, old), isSigned(after, body.secret)]).toEqual([false, true]);
  await api('DELETE', `/webhooks/${endpoint.id}`);
});

test('[WH1] what happens while PostgreSQL is away is sent when it is back', async () => {
  const { endpoint } = await addEndpoint('/outage', { events: ['user.left'] });
  const { session } = await stack.host('pia');
  const guest = await stack.arrive('pit');
  await guest.expect('session_joined', { type: 'session_join', sessionId: session.id });
  await stack.stores.database.shut();
  await guest.expect('session_left', { type: 'session_leave', sessionId: session.id });
  await stack.stores.database.open();
  await until(async () => {
    await stack.fireSchedule('CleanupSweep');
    return receiver.at('/outage').some(({ data }) => data['userId'] === guest.userId);
  }, 'The leave was not sent.');
  const sent = receiver.at('/outage').filter(({ data }) => data['sessionId'] === session.id);
  expect((await stack.audit(session.id, 'user_left')).map(({ id }) => id)).toEqual([
    ...new Set(sent.map(({ id }) => id)),
  ]);
  await api('DELETE', `/webhooks/${endpoint.id}`);
});

test('[WH4] if sweep and sender are killed in the middle, everything arrives, and twice only with the same id', async () => {
  const { endpoint } = await addEndpoint('/killed', { events: ['session.created'] });
  await api('PATCH', `/webhooks/${endpoint.id}`, { enabled: true });
  const sessions = new Set<string>();
  for (let index = 0; index < 3; index += 1) sessions.add((await stack.host(`kim-${index}`)).session.id);
  // The receiver kills those who send, in the middle of their work, twice.
  let kills = 0;
  receiver.answers.set('/killed', (_, response) => {
    if (kills < 2) {
      kills += 1;
      stack.faults.set({ killEnvironment: 1, seed: kills });
      setTimeout(() => {
        stack.faults.set({});
        response.writeHead(200).end();
      }, 200);
    } else response.writeHead(200).end();
  });
  await api('POST', `/webhooks/${endpoint.id}/replay`, { from: 0 });
  await until(async () => {
    await stack.database.query('UPDATE webhook_endpoints SET leased_until = NULL WHERE id = $1', [endpoint.id]);
    await passTime(endpoint.id);
    return (await endpointOf(endpoint.id)).deliveries.pending === 0;
  }, 'Not everything was sent.');
  const bySession = new Map<string, Set<string>>();
  for (const { data, id } of receiver.at('/killed')) {
    const session = String(data['sessionId']);
    bySession.set(session, (bySession.get(session) ?? new Set()).add(id));
  }
  for (const session of sessions) expect([session, bySession.get(session)?.size]).toEqual([session, 1]);
  stack.faults.set({});
  await api('DELETE', `/webhooks/${endpoint.id}`);
});

test('[WH7] only an admin manages endpoints, and mistakes are explained', async () => {
  const { token } = await tokenOf(stack, 'nobody');
  const id = '00000000-0000-4000-8000-000000000000';
  for (const [method, path] of [
    ...[
      ['GET', '/webhooks'],
      ['POST', '/webhooks'],
      ['GET', `/webhooks/${id}`],
      ['PATCH', `/webhooks/${id}`],
    ],
    ...[
      ['DELETE', `/webhooks/${id}`],
      ['POST', `/webhooks/${id}/rotate`],
      ['POST', `/webhooks/${id}/test`],
    ],
    ...[
      ['POST', `/webhooks/${id}/replay`],
      ['GET', `/webhooks/${id}/deliveries`],
    ],
  ] as [string, string][]) {
    const body = method === 'GET' ? undefined : {};
    expect([method, path, (await api(method, path, body, token)).status]).toEqual([method, path, 403]);
    expect([method, path, (await api(method, path, body, 'no.token.at-all')).status]).toEqual([method, path, 401]);
    if (path !== '/webhooks')
      expect((await api(method, path, path.endsWith('replay') ? { dead: true } : body)).status).toBe(404);
  }
  const refused = async (body: unknown) => (await api('POST', '/webhooks', body)).body;
  expect(await refused({ url: 'nonsense' })).toMatchObject({
    code: 'INVALID_MESSAGE',
    message: expect.stringContaining('URL'),
  });
  expect(await refused({ url: 'https://a.example/', events: ['user.sneezed'] })).toMatchObject({
    code: 'INVALID_MESSAGE',
  });
  expect(await refused({ url: 'https://a.example/', typo: 1 })).toMatchObject({
    message: expect.stringContaining('typo'),
  });
  expect(await refused({ url: 'https://a.example/', session: 'SESSION-NONE' })).toMatchObject({
    code: 'SESSION_NOT_FOUND',
  });
  expect((await api('GET', '/webhooks/nonsense')).status).toBe(404);
  expect((await api('GET', `/webhooks/${id}/deliveries?before=x`)).status).toBe(400);
});

/** Runs `npx rollcall webhooks`, as an operator does. */
function cli(...given: string[]): Promise<{ code: number; output: string }> {
  const node = join(project, 'node_modules', '.bin', 'node');
  const env = { PATH: process.env['PATH'] ?? '', ROLLCALL_TOKEN: admin };
  const parameters = ['scripts/webhooks.ts', ...given, '--api', stack.http];
  return new Promise((resolve) => {
    execFile(node, parameters, { cwd: project, env }, (error, stdout, stderr) =>
      resolve({ code: typeof error?.code === 'number' ? error.code : 0, output: stdout + stderr }),
    );
  });
}

test('[WH7][WH8] the command line adds, tries, rotates, replays and removes an endpoint', async () => {
  expect(await cli('list')).toEqual({ code: 0, output: 'There is no endpoint.\n' });
  const added = await cli(
    'add',
    receiver.url('/cli'),
    '--events',
    'user.left',
    '--key',
    'doc-*',
    '--description',
    'for a test',
  );
  const [id] = /[0-9a-f-]{36}/.exec(added.output) ?? [''];
  const [secret] = /whsec_\S+/.exec(added.output) ?? [''];
  expect(added.output).toContain('events: user.left; key doc-*');
  const tried = await cli('test', id);
  expect(tried).toEqual({
    code: 0,
    output: expect.stringContaining('webhook.test  delivered, attempts: 1, last answer: 200 "thanks"'),
  });
  expect(isSigned(receiver.at('/cli')[0]!, secret)).toBe(true);
  expect((await cli('rotate', id, '--overlap', '60')).output).toMatch(/whsec_(?!.*not shown).+/);
  expect((await cli('disable', id)).output).toContain('disabled by an admin');
  expect(await cli('test', id)).toEqual({ code: 2, output: 'The endpoint is disabled. Enable it before the test.\n' });
  expect((await cli('enable', id)).output).toContain('enabled; waiting: 0, dead letters: 0');
  const { eventId } = JSON.parse((await cli('deliveries', id, '--state', 'delivered', '--json')).output).items[0];
  expect((await cli('replay', id, '--event', eventId)).output).toBe('Events that are sent again: 1.\n');
  await until(() => receiver.at('/cli').length === 2, 'Missing: the replay');
  expect((await cli('list')).output).not.toContain(secret.slice(6));
  expect(await cli('remove', id)).toEqual({ code: 0, output: 'The endpoint is removed.\n' });
  expect(await cli('remove', id)).toMatchObject({ code: 2, output: expect.stringContaining('no endpoint') });
  expect((await cli('nonsense')).output).toContain('Usage: npx rollcall webhooks');
});
