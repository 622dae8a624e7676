import { execFile } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import { tokenOf } from '../support/client.ts';
import { joinOf, leaveOf } from '../support/presence-frames.ts';
import { call, callOnce, createKey, type ServerAnswer } from '../support/server-api.ts';
import { type Arrived, startTestStack, type TestStack } from '../support/stack.ts';

const project = join(__dirname, '..', '..');
let stack: TestStack;
let admin: string;
let all: { secret: string; id: string };

beforeAll(async () => {
  stack = await startTestStack();
  admin = (await tokenOf(stack, 'root', { admin: true })).token;
  all = await createKey(stack, ['sessions:read', 'broadcast', 'remove'], { name: 'Backend' });
});
afterAll(() => stack.close());

async function room(): Promise<{ ada: Arrived; bob: Arrived; sessionId: string }> {
  const { owner: ada, session } = await stack.host('ada', { isPublic: true });
  const bob = await stack.arrive('bob');
  await bob.expect('session_joined', { type: 'session_join', sessionId: session.id });
  await joinOf(ada, bob.userId);
  return { ada, bob, sessionId: session.id };
}

/** The routes of the server API, with their scopes. */
const routes = (sessionId: string, userId = randomUUID()): [route: string, scope: string, body?: object][] => [
  ['GET /server/sessions', 'sessions:read'],
  [`GET /server/sessions/${sessionId}`, 'sessions:read'],
  [`GET /server/sessions/${sessionId}/people`, 'sessions:read'],
  [`POST /server/sessions/${sessionId}/events`, 'broadcast', { event: 'x' }],
  [`DELETE /server/sessions/${sessionId}/people/${userId}`, 'remove'],
];

/** Runs `npx rollcall keys` with the database of the stack. */
function keysCommand(...given: string[]): Promise<{ code: number; output: string; errors: string }> {
  const node = join(project, 'node_modules', '.bin', 'node');
  const env = { PATH: process.env['PATH'] ?? '', DATABASE_URL: stack.stores.database.url };
  return new Promise((resolve) => {
    execFile(node, ['scripts/rollcall.mjs', 'keys', ...given], { cwd: project, env }, (error, output, errors) =>
      resolve({ code: typeof error?.code === 'number' ? error.code : 0, output, errors }),
    );
  });
}

describe('keys', () => {
  test('[SA1] the command creates a key that works, lists keys without secrets, and revokes', async () => {
    const created = await keysCommand(
      'create',
      '--name',
      'Night job',
      '--scopes',
      'sessions:read, remove',
      '--expires',
      '90',
    );
    expect(created).toMatchObject({ code: 0, errors: expect.stringContaining('shown only now') });
    const secret = created.output.trim();
    const id = secret.split('_')[1]!;
    expect((await call(stack, 'GET /server/sessions', { as: secret })).status).toBe(200);
    const listed = await keysCommand('list');
    const line = listed.output.split('\n').find((each) => each.startsWith(id));
    expect(line?.split('\t')).toEqual([id, expect.stringMatching(/^used 2/), 'sessions:read,remove', '*', 'Night job']);
    expect(listed.output).not.toContain(secret.slice(-43));
    expect(await keysCommand('revoke', id)).toMatchObject({ code: 0 });
    expect((await keysCommand('list')).output).toMatch(new RegExp(`^${id}\trevoked 2`, 'm'));
    for (const wrong of [
      ['create', '--name', 'x'],
      ['create', '--name', 'x', '--scopes', 'all'],
      ['revoke', 'x'],
      ['drop'],
    ]) {
      expect(await keysCommand(...wrong)).toMatchObject({ code: 2, output: '', errors: expect.stringMatching(/\S/) });
    }
  });

  test('[SA1] only an administrator creates, lists and revokes them, and no line of a log contains one', async () => {
    const { token } = await tokenOf(stack, 'ada');
    const body = { name: 'Importer', scopes: ['broadcast'], sessions: ['doc-*'], expiresInSeconds: 3600 };
    for (const as of [token, undefined, all.secret]) {
      const refused = as === token ? 403 : 401;
      expect((await call(stack, 'POST /service/keys', { as, body })).status).toBe(refused);
      expect((await call(stack, 'GET /service/keys', { as })).status).toBe(refused);
      expect((await call(stack, `DELETE /service/keys/${all.id}`, { as })).status).toBe(refused);
    }
    const created = await call(stack, 'POST /service/keys', { as: admin, body });
    expect(created).toMatchObject({ status: 201, body: { key: { name: 'Importer', sessions: ['doc-*'] } } });
    const { secret, key } = created.body as { secret: string; key: { id: string } };
    const listed = await call(stack, 'GET /service/keys', { as: admin });
    expect(listed.body['keys']).toContainEqual(key);
    expect(JSON.stringify(listed.body)).not.toContain(secret.slice(-43));
    await call(stack, 'GET /server/sessions', { as: secret });
    expect(stack.lines.join('\n')).toContain(key.id);
    expect(stack.lines.join('\n')).not.toContain(secret.slice(-43));
    expect(
      (await call(stack, 'POST /service/keys', { as: admin, body: { name: 'x', scopes: ['all'] } })).body,
    ).toMatchObject({
      code: 'INVALID_MESSAGE',
    });
    expect((await call(stack, 'POST /service/keys', { as: admin, body: '[1' })).status).toBe(400);
    expect((await call(stack, `DELETE /service/keys/${'0'.repeat(16)}`, { as: admin })).status).toBe(400);
  });

  test('[SA1] [SA2] every route refuses a missing, wrong, foreign, revoked or expired key', async () => {
    const { sessionId } = await room();
    const revoked = await createKey(stack, ['sessions:read']);
    const expired = await createKey(stack, ['sessions:read']);
    await call(stack, `DELETE /service/keys/${revoked.id}`, { as: admin });
    await stack.database.query('UPDATE server_keys SET expires_at = now() WHERE id = $1', [expired.id]);
    const wrong = `${all.secret.slice(0, -4)}AAAA`;
    for (const [route, , body] of routes(sessionId)) {
      for (const as of [undefined, wrong, 'x', admin, revoked.secret, expired.secret]) {
        const answer = await call(stack, route, { as, body });
        expect([route, answer.status]).toEqual([route, 401]);
        expect(answer.body).toMatchObject({ code: 'UNAUTHENTICATED', retryable: false });
      }
    }
    // A key is no token of a user.
    expect((await call(stack, 'GET /sessions', { as: all.secret })).status).toBe(401);
  });

  test('[SA3] a key without the scope of a route is refused, whether the session exists or not', async () => {
    const { sessionId } = await room();
    for (const [index, [, scope]] of routes(sessionId).entries()) {
      const others = ['sessions:read', 'broadcast', 'remove', 'agents'].filter((each) => each !== scope);
      const { secret } = await createKey(stack, others);
      const [known, unknown] = [routes(sessionId)[index]!, routes(randomUUID())[index]!];
      const [one, other] = await Promise.all(
        [known, unknown].map(([route, , body]) => call(stack, route, { as: secret, body })),
      );
      expect(one).toMatchObject({ status: 403, body: { code: 'PERMISSION_DENIED' } });
      expect(other!.body).toEqual(one!.body);
    }
  });

  test('[SA3] a key that covers some sessions sees the others as if they did not exist', async () => {
    const key = `doc-${randomUUID()}`;
    const opener = await stack.arrive('olive');
    const { session } = await opener.expect('session_opened', { type: 'session_open', key });
    const { sessionId: foreign } = await room();
    const { secret } = await createKey(stack, ['sessions:read', 'broadcast', 'remove'], { sessions: ['doc-*'] });
    for (const [index, [route, , body]] of routes(foreign).entries()) {
      if (index === 0) continue;
      const [refused, unknown] = await Promise.all([
        call(stack, route, { as: secret, body }),
        call(stack, routes(randomUUID())[index]![0], { as: secret, body }),
      ]);
      expect(refused).toMatchObject({ status: 404, body: { code: 'SESSION_NOT_FOUND' } });
      expect(unknown.body).toEqual(refused.body);
    }
    const listed = await call(stack, 'GET /server/sessions', { as: secret });
    expect((listed.body['items'] as { id: string }[]).map(({ id }) => id)).toEqual([session.id]);
    expect((await call(stack, `GET /server/sessions/${session.id}`, { as: secret })).status).toBe(200);
    expect((await call(stack, `GET /server/sessions?key=op-1`, { as: secret })).body['items']).toEqual([]);
  });

  test('[SA3] a key that covers single keys lists those of them that a pattern names', async () => {
    const [one, other] = [`plan-${randomUUID()}`, `plan-${randomUUID()}`];
    const opener = await stack.arrive('olive');
    const { session } = await opener.expect('session_opened', { type: 'session_open', key: one });
    await opener.expect('session_opened', { type: 'session_open', key: other });
    const listed = async (sessions: string[], key: string) => {
      const { secret } = await createKey(stack, ['sessions:read'], { sessions });
      const { body } = await call(stack, `GET /server/sessions?key=${key}`, { as: secret });
      return (body['items'] as { id: string }[]).map(({ id }) => id);
    };
    expect(await listed([one, 'doc-1'], 'plan-*')).toEqual([session.id]);
    expect(await listed([`${one}*`], 'plan-*')).toEqual([session.id]);
    expect(await listed([one], 'doc-*')).toEqual([]);
    expect(await listed([one], other)).toEqual([]);
  });

  test('[SA2] a key may send 200 requests at once, and then has to wait', async () => {
    const { secret } = await createKey(stack, ['broadcast']);
    const refusedScope = () => callOnce(stack, 'GET /server/sessions', { as: secret });
    const limiter = `presence:rate:{key:${secret.split('_')[1]}}`;
    let limited: ServerAnswer;
    // A busy machine may need longer for the request than the key has to wait.
    do {
      await stack.redis.set(limiter, Date.now() + 4500);
      limited = await refusedScope();
    } while (limited.status === 403);
    expect(limited).toMatchObject({ status: 429, body: { code: 'RATE_LIMITED', retryable: true } });
    expect(limited.body['message']).toContain('100 requests a second');
    // Two seconds are the burst.
    expect(Number(limited.headers.get('retry-after'))).toBeLessThanOrEqual(3);
    expect(Number(limited.headers.get('retry-after'))).toBeGreaterThanOrEqual(1);
    await stack.redis.del(limiter);
    expect((await refusedScope()).status).toBe(403);
  });
});

test('sessions are listed in pages, also those of a key of the application', async () => {
  const key = `board-${randomUUID()}`;
  const ada = await stack.arrive('ada');
  const { session } = await ada.expect('session_opened', { type: 'session_open', key });
  const first = await call(stack, 'GET /server/sessions?limit=1', { as: all.secret });
  const second = await call(stack, `GET /server/sessions?limit=1&before=${first.body['next']}`, { as: all.secret });
  expect(first.body['items']).toMatchObject([{ id: session.id }]);
  expect(second.body['items']).toHaveLength(1);
  expect(second.body['items']).not.toMatchObject([{ id: session.id }]);
  for (const asked of [key, 'board-*']) {
    const { body } = await call(stack, `GET /server/sessions?key=${asked}`, { as: all.secret });
    expect(body).toMatchObject({ items: [{ id: session.id, key }] });
  }
});

test('the people of a session are those whom its clients see', async () => {
  const { ada, bob, sessionId } = await room();
  await bob.expect('ack', { type: 'presence_update', sessionId, activity: 'reading', data: { colour: 'red' } });
  const { body } = await call(stack, `GET /server/sessions/${sessionId}/people`, { as: all.secret });
  const state = await ada.expect('presence_state', { type: 'presence_sync', sessionId });
  const byId = (people: unknown) =>
    new Map(
      (people as { userId: string; lastSeen: number }[]).map((one) => [
        one.userId,
        { ...one, lastSeen: 0, lastActive: 0 },
      ]),
    );
  expect(body['sessionId']).toBe(sessionId);
  expect(byId(body['people'])).toEqual(byId(state.users));
  // Redis lost the session; its connections are still open.
  await stack.redis.flushdb();
  const rebuilt = await call(stack, `GET /server/sessions/${sessionId}/people`, { as: all.secret });
  expect([...byId(rebuilt.body['people']).keys()].sort()).toEqual([ada.userId, bob.userId].sort());
  await ada.expect('session_ended', { type: 'session_end', sessionId });
  expect((await call(stack, `GET /server/sessions/${sessionId}/people`, { as: all.secret })).body['people']).toEqual(
    [],
  );
});

describe('an event', () => {
  test('[SA4] reaches everybody in the session or the named users, and says that a program sent it', async () => {
    const { ada, bob, sessionId } = await room();
    const before = await stack.audit(sessionId);
    const route = `POST /server/sessions/${sessionId}/events`;
    const payload = { progress: 0.5 };
    const sent = await call(stack, route, { as: all.secret, body: { event: 'import', payload } });
    expect(sent).toMatchObject({ status: 200, body: { receivers: 2, repeated: false } });
    for (const person of [ada, bob]) {
      const frame = await person.next('broadcast');
      expect(frame).toMatchObject({ sessionId, kind: 'server', event: 'import', payload, at: expect.any(Number) });
      expect([ada.userId, bob.userId]).not.toContain(frame.userId);
    }
    const named = await call(stack, route, { as: all.secret, body: { event: 'only', to: [bob.userId.toUpperCase()] } });
    expect(named.body).toEqual({ receivers: 1, repeated: false });
    expect(await bob.next('broadcast')).toMatchObject({ event: 'only' });
    await ada.expect('pong', { type: 'ping' });
    expect(ada.framesOf('broadcast')).toHaveLength(1);
    expect(await stack.audit(sessionId)).toEqual(before);
  });

  test('[SA4] with the same idempotency key is sent once, also if both requests arrive together', async () => {
    const { ada, sessionId } = await room();
    const route = `POST /server/sessions/${sessionId}/events`;
    const send = (idempotencyKey: string, as = all.secret) =>
      call(stack, route, { as, body: { event: 'once' }, headers: { 'idempotency-key': idempotencyKey } });
    const id = randomUUID();
    const answers = await Promise.all([send(id), send(id), send(id)]);
    expect(answers.map(({ body }) => body['repeated']).sort()).toEqual([false, true, true]);
    expect((await send(id)).body).toEqual({ receivers: 0, repeated: true });
    const other = await createKey(stack, ['broadcast']);
    expect((await send(id, other.secret)).body).toEqual({ receivers: 2, repeated: false });
    expect((await send(randomUUID())).body['repeated']).toBe(false);
    await ada.expect('pong', { type: 'ping' });
    expect(ada.framesOf('broadcast')).toHaveLength(3);
    const kept = await stack.redis.keys(`presence:published:{${sessionId}}:*`);
    expect(kept).toHaveLength(3);
    for (const each of kept) expect(await stack.redis.pttl(each)).toBeGreaterThan(9 * 60_000);
    const long = await call(stack, route, {
      as: all.secret,
      body: { event: 'x' },
      headers: { 'idempotency-key': 'x'.repeat(256) },
    });
    expect(long.status).toBe(400);
  });

  test('[SA4] [CO4] is refused while the session sends more than its limit, and may then be sent with the same idempotency key', async () => {
    const { ada, sessionId } = await room();
    const route = `POST /server/sessions/${sessionId}/events`;
    const request = { as: all.secret, body: { event: 'late' }, headers: { 'idempotency-key': randomUUID() } };
    await stack.redis.hset(`presence:epoch:{${sessionId}}`, 'postsOnTime', Date.now() + 60_000);
    expect(await callOnce(stack, route, request)).toMatchObject({ status: 429, body: { code: 'RATE_LIMITED' } });
    await stack.redis.hdel(`presence:epoch:{${sessionId}}`, 'postsOnTime');
    expect((await call(stack, route, request)).body).toEqual({ receivers: 2, repeated: false });
    expect(await ada.next('broadcast')).toMatchObject({ event: 'late' });
  });

  test('has the limits of a message, and goes nowhere in a session without people or that has ended', async () => {
    const { ada, sessionId } = await room();
    const route = `POST /server/sessions/${sessionId}/events`;
    const status = async (body: unknown) => (await call(stack, route, { as: all.secret, body })).status;
    expect(await status({})).toBe(400);
    expect(await status({ event: 'x', to: ['nobody'] })).toBe(400);
    expect(await status({ event: 'x', payload: 'x'.repeat(9000) })).toBe(413);
    expect(await status('x'.repeat(40_000))).toBe(413);
    expect(await status(`{"event":"x","payload":${'['.repeat(200)}${']'.repeat(200)}}`)).toBe(400);
    await ada.expect('session_ended', { type: 'session_end', sessionId });
    expect(await status({ event: 'x' })).toBe(410);
    const empty = (await stack.host('cleo')).session.id;
    await stack.redis.flushdb();
    expect(
      (await call(stack, `POST /server/sessions/${empty}/events`, { as: all.secret, body: { event: 'x' } })).body,
    ).toEqual({
      receivers: 1,
      repeated: false,
    });
  });
});

describe('a removal', () => {
  test('[SA6] [SA5] is that of the owner, with the key in the audit trail', async () => {
    const { ada, bob, sessionId } = await room();
    const route = `DELETE /server/sessions/${sessionId}/people/${bob.userId}?reason=spam`;
    expect((await call(stack, route, { as: all.secret })).body).toEqual({ removed: true });
    expect(await bob.next('session_removed')).toMatchObject({ sessionId, reason: 'spam' });
    expect(await leaveOf(ada, bob.userId)).toBe('removed');
    const [entry] = await stack.audit(sessionId, 'participant_removed');
    expect(entry).toMatchObject({
      user_id: null,
      details: { targetUserId: bob.userId, reason: 'spam', keyId: all.id },
    });
    expect(entry!.user_agent).toBe('node');
    expect(await stack.audit(sessionId, 'user_left')).toMatchObject([
      { user_id: bob.userId, details: { cause: 'removed' } },
    ]);
    expect((await call(stack, route, { as: all.secret })).body).toEqual({ removed: false });
    expect(await stack.audit(sessionId, 'participant_removed')).toHaveLength(1);
    expect(await bob.ask({ type: 'broadcast', sessionId, event: 'x' })).toMatchObject({ code: 'NOT_IN_SESSION' });
  });

  test('[SA6] does not touch the owner, and a person who is not there is no error', async () => {
    const { ada, sessionId } = await room();
    const remove = (userId: string) =>
      call(stack, `DELETE /server/sessions/${sessionId}/people/${userId}`, { as: all.secret });
    expect(await remove(ada.userId)).toMatchObject({ status: 403, body: { code: 'PERMISSION_DENIED' } });
    expect(await remove(randomUUID())).toMatchObject({ status: 200, body: { removed: false } });
    expect((await remove('nobody')).status).toBe(400);
  });

  test('[SA5] that is refused for its key is in the audit trail of the session', async () => {
    const { bob, sessionId } = await room();
    const lacking = await createKey(stack, ['broadcast']);
    const elsewhere = await createKey(stack, ['remove'], { sessions: ['other'] });
    for (const [{ secret }, status] of [
      [lacking, 403],
      [elsewhere, 404],
    ] as const) {
      expect(
        (await call(stack, `DELETE /server/sessions/${sessionId}/people/${bob.userId}`, { as: secret })).status,
      ).toBe(status);
    }
    const entries = await stack.audit(sessionId, 'program_refused');
    expect(entries.map(({ user_id, details }) => ({ user_id, ...details }))).toEqual(
      [lacking, elsewhere].map(({ id: keyId }) => ({
        user_id: null,
        action: 'remove',
        reason: 'PERMISSION_DENIED',
        keyId,
      })),
    );
    expect(await stack.audit(sessionId, 'participant_removed')).toEqual([]);
  });
});

test('while a store is away, what needs it is answered with 503 and may be repeated', async () => {
  const { ada, sessionId } = await room();
  await call(stack, 'GET /server/sessions', { as: all.secret });
  stack.stores.redis.shut();
  const event = await callOnce(stack, `POST /server/sessions/${sessionId}/events`, {
    as: all.secret,
    body: { event: 'x' },
  });
  expect(event).toMatchObject({ status: 503, body: { code: 'UNAVAILABLE', retryable: true } });
  await stack.stores.redis.open();
  expect(
    (await call(stack, `POST /server/sessions/${sessionId}/events`, { as: all.secret, body: { event: 'back' } }))
      .status,
  ).toBe(200);
  expect(await ada.next('broadcast', ({ event: name }) => name === 'back')).toBeDefined();
});
