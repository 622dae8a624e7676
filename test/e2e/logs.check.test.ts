import WebSocket from 'ws';
import { handlerNames } from '../../lib/handlers.ts';
import { tokenOf } from '../support/client.ts';
import { startTestStack, type TestStack } from '../support/stack.ts';

interface Line {
  function: string;
  text: string;
  fields: Record<string, unknown>;
}

let stack: TestStack;
const lines: Line[] = [];
beforeAll(async () => {
  stack = await startTestStack(
    { LOG_LEVEL: 'DEBUG' },
    { writeRaw: (name, text) => lines.push({ function: name, text, fields: fieldsOf(text) }) },
  );
});
afterAll(() => stack.close());

function fieldsOf(text: string): Record<string, unknown> {
  try {
    return JSON.parse(text);
  } catch {
    // Not every line of a function is a log line of the product.
    return {};
  }
}

const logLines = () => lines.filter(({ fields }) => fields['level'] !== undefined && fields['_aws'] === undefined);

async function until<T>(find: () => T | undefined): Promise<T> {
  for (;;) {
    const found = find();
    if (found) return found;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

test('a frame is followed by the id that its client gave it: from its function to the post that its receiver got', async () => {
  const { owner, session } = await stack.host('ada');
  const guest = await stack.arrive('bob');
  await guest.expect('session_joined', { type: 'session_join', sessionId: session.id });
  await owner.next('presence_diff', ({ joins }) => joins.some(({ userId }) => userId === guest.userId));
  guest.send({ type: 'presence_update', sessionId: session.id, activity: 'Reading', requestId: 'follow-me' });
  await owner.next('presence_diff', ({ updates }) => updates.some(({ activity }) => activity === 'Reading'));

  const own = await until(() => logLines().find(({ fields }) => fields['clientRequestId'] === 'follow-me'));
  const { requestId } = own.fields;
  expect(requestId).toEqual(expect.any(String));
  const served = await until(() =>
    logLines().find(({ fields }) => fields['requestId'] === requestId && fields['message'] === 'A frame was served'),
  );
  const path = logLines().filter(({ fields }) => fields['requestId'] === requestId);
  expect(new Set(path.map((line) => line.function))).toEqual(new Set([served.function]));
  for (const { fields } of path) {
    expect(fields).toMatchObject({
      clientRequestId: 'follow-me',
      connectionId: guest.connectionId,
      sessionId: session.id,
    });
  }
  expect(path.map(({ fields }) => fields['message'])).toEqual([
    `[PresenceManager] Set presence for user ${guest.userId} in session ${session.id}`,
    `[PresenceManager] User ${guest.userId} changed in session ${session.id}`,
    'A frame was posted',
    'A frame was served',
  ]);
  expect(path[2]!.fields).toMatchObject({
    frame: 'presence_diff',
    connections: expect.arrayContaining([owner.connectionId]),
  });
  expect(path[2]!.fields['delivered']).toBeGreaterThan(0);
  expect(served.fields).toMatchObject({ route: 'presence_update', userId: guest.userId, answer: 'ack' });
});

/** A WebSocket handshake with any query and headers; most of these are refused. */
async function handshake(query: Record<string, string>, protocols: string[], headers: Record<string, string>) {
  const address = `${stack.websocket}?${new URLSearchParams(query)}`;
  const socket = new WebSocket(address, protocols, { headers });
  await new Promise((resolve) => socket.once('open', resolve).once('error', resolve));
  socket.terminate();
}

test('a token in an odd place of a handshake, a frame, a request or another token is in no log line', async () => {
  const { token } = await tokenOf(stack, 'eve');
  const odd = 'x@y.z"\'; --';
  await handshake({ token: `${token}x` }, [], { authorization: `Bearer ${token}`, 'user-agent': token, origin: token });
  await handshake({ [token]: token, name: token, invite: token, guest: token }, [], { cookie: `a=${token}` });
  await handshake({}, ['rollcall.v1', `bearer.${token}x`, token], { 'x-token': token, referer: token });
  await handshake({ token: `Bearer ${token}` }, [`bearer.bearer.${token}`], {});
  // The claims of a valid token are texts of the user.
  const carrier = await stack.arrive(`name ${token}`.slice(0, 200));
  const { owner, session } = await stack.host('eve');
  const sessionId = session.id;
  const values: Record<string, unknown>[] = [
    { type: token },
    { type: 'session_join', sessionId: token },
    { type: 'session_join', sessionId, invite: `${odd}${token}` },
    { type: 'session_open', key: token.slice(0, 200), metadata: { [token]: token } },
    { type: 'presence_update', sessionId, activity: token, data: { [token.slice(0, 60)]: token } },
    { type: 'activity_log', sessionId, activityType: token, details: { [token]: token }, activityId: token },
    { type: 'cursor_update', sessionId, cursor: { [token.slice(0, 60)]: token.slice(0, 200) } },
    { type: 'heartbeat', sessionId: token, cursor: token },
    { type: 'participant_remove', sessionId, userId: token },
    { type: 'machine_register', machineId: token, name: token },
    { type: 'broadcast', sessionId, event: token, payload: token },
    { type: 'ping', requestId: token, token },
    { type: 'ping', requestId: `r-${token}`.slice(0, 128) },
  ];
  for (const client of [owner, carrier]) {
    for (const value of values) client.send(value);
    client.send(`${token}`);
    client.send(`{"type":"${token}`);
    await client.ask({ type: 'ping' });
  }
  for (const path of [
    `sessions/${token}`,
    `keys/${token}/sessions`,
    token,
    `health?token=${token}`,
    `sessions?q=${token}`,
  ])
    await fetch(`${stack.http}/${path}`.replace(/([^:])\/\//g, '$1/'), {
      headers: { authorization: `Bearer ${token}` },
    });
  await Promise.all([owner.close(), carrier.close()]);
  await until(() =>
    logLines().some(
      ({ fields }) => fields['connectionId'] === carrier.connectionId && fields['message'] === 'A connection ended',
    ),
  );
  const parts = token.split('.');
  const shown = lines.filter(({ text }) =>
    parts.slice(1).some((part) => text.includes(part.slice(-24)) || text.includes(part.slice(0, 40))),
  );
  expect(shown.map(({ function: name, text }) => `${name}: ${text.slice(0, 600)}`)).toEqual([]);
});

test('every log line has the id of its request, and no log line has a token, even if everything fails', async () => {
  const before = lines.length;
  const [token, other] = [(await tokenOf(stack, 'cyd')).token, (await tokenOf(stack, 'dan')).token];
  const forged = `${token.slice(0, -6)}AAAAAA`;
  const { owner, session } = await stack.host('cyd');
  const { invite } = await owner.expect('invite_created', {
    type: 'invite_create',
    sessionId: session.id,
    role: 'viewer',
  });
  const guest = await stack.arriveAsGuest(invite, 'Guest');
  await guest.expect('session_joined', { type: 'session_join', sessionId: session.id });
  guest.send({ type: 'cursor_update', sessionId: session.id, cursor: { x: 1, y: 2 }, requestId: 'cursor' });
  guest.send({ type: 'heartbeat', sessionId: session.id, requestId: 'beat' });
  owner.send({ type: 'session_join', sessionId: session.id, invite: forged, requestId: 'with-token' });
  owner.send(`{"type":"no such","token":"${token}"}`);
  for (const bearer of [token, forged]) {
    for (const path of ['sessions', `sessions/${session.id}`, `sessions/${session.id}/activity`]) {
      await fetch(`${stack.http}/${path}`.replace(/([^:])\/\//g, '$1/'), {
        headers: { authorization: `Bearer ${bearer}` },
      });
    }
  }
  await expect(stack.arriveAsGuest(`${invite.slice(0, -4)}AAAA`, 'Eve')).rejects.toThrow();
  await stack.stores.redis.shut();
  await stack.stores.database.shut();
  await owner.askOnce({ type: 'presence_update', sessionId: session.id, status: 'away' });
  await owner.askOnce({ type: 'session_join', sessionId: session.id, invite });
  await fetch(`${stack.http}/health`.replace(/([^:])\/\//g, '$1/'));
  await stack.stores.redis.open();
  await stack.stores.database.open();
  await guest.close();

  await until(() => logLines().some(({ fields }) => fields['message'] === 'A connection ended'));
  const secrets = [token, other, forged, invite].flatMap((secret) => [secret, secret.split('.').at(-1)!]);
  for (const { text } of lines) {
    for (const secret of secrets) expect(text).not.toContain(secret);
    expect(text).not.toMatch(/eyJ[\w-]{8,}\.[\w-]{8,}/);
  }
  const listeners = ['Redis connection failed', 'An idle database connection broke'];
  const own = new Set(lines.slice(before));
  const ofRequests = logLines().filter((line) => own.has(line) && !listeners.includes(String(line.fields['message'])));
  for (const { fields, function: name } of ofRequests) {
    expect({ name, fields }).toMatchObject({ fields: { requestId: expect.any(String) } });
    const isOfSocket = !/http|sweep|migrate/i.test(name);
    if (isOfSocket) expect({ name, fields }).toMatchObject({ fields: { connectionId: expect.any(String) } });
    if (/heartbeat|cursor|presence/i.test(name))
      expect({ name, fields }).toMatchObject({ fields: { sessionId: expect.any(String) } });
  }
  // The test reached the functions of every kind.
  const writers = new Set(ofRequests.map((line) => line.function.toLowerCase()));
  for (const kind of ['authorizer', 'cursor', 'heartbeat', 'presence', 'session', 'disconnect', 'http', 'default']) {
    expect(handlerNames).toContain(kind);
    expect([...writers].some((writer) => writer.includes(kind))).toBe(true);
  }
});
