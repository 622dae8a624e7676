import {
  addEndpoint,
  api,
  closeWebhookBed,
  deliveriesOf,
  endpointOf,
  openWebhookBed,
  passTime,
  receiver,
  stack,
  startSweep,
  until,
} from '../support/webhook-bed.ts';
import { isSigned } from '../support/webhook-receiver.ts';

beforeAll(openWebhookBed);
afterAll(closeWebhookBed);

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
  // Each run of a function is killed at a random moment of its first 20 ms, among them sweeps before and after they sent.
  for (let seed = 1; seed <= 6; seed += 1) {
    await api('POST', `/webhooks/${endpoint.id}/replay`, { from: 0 });
    stack.faults.set({ killEnvironment: 1, seed });
    for (let run = 0; run < 3; run += 1) await startSweep(endpoint.id);
    stack.faults.set({});
  }
  const { rows } = await stack.database.query(
    `SELECT count(*)::integer AS count FROM webhook_deliveries WHERE endpoint_id = $1 AND state = 'pending'`,
    [endpoint.id],
  );
  expect(rows[0].count).toBeGreaterThan(0);
  await until(async () => {
    await startSweep(endpoint.id);
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
