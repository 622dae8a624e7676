import { randomUUID } from 'node:crypto';
import { keyScopes } from '../../protocol/server-api.ts';
import { tokenOf } from '../support/client.ts';
import { call, createKey, type ServerAnswer } from '../support/server-api.ts';
import { type Arrived, startTestStack, type TestStack } from '../support/stack.ts';

let stack: TestStack;
let admin: string;
let all: { secret: string; id: string };
let owner: Arrived;
let sessionId: string;

beforeAll(async () => {
  stack = await startTestStack();
  admin = (await tokenOf(stack, 'root', { admin: true })).token;
  all = await createKey(stack, [...keyScopes]);
  const hosted = await stack.host('ada');
  owner = hosted.owner;
  sessionId = hosted.session.id;
});
afterAll(() => stack.close());

/** Each request of the server API with the scopes that it needs. */
const requests = (id: string): [route: string, scopes: string[], body?: object][] => [
  ['GET /server/sessions', ['sessions:read']],
  [`GET /server/sessions/${id}`, ['sessions:read']],
  [`GET /server/sessions/${id}/people`, ['sessions:read']],
  [`POST /server/sessions/${id}/events`, ['broadcast'], { event: 'x' }],
  [`POST /server/sessions/${id}/events`, ['broadcast', 'agents'], { event: 'x', agent: 'a' }],
  [`DELETE /server/sessions/${id}/people/${randomUUID()}`, ['remove']],
  [`PUT /server/sessions/${id}/agents/a`, ['agents'], {}],
  [`DELETE /server/sessions/${id}/agents/a`, ['agents']],
];

/** Nothing that only the service knows: statements, stores, paths of files, stacks. */
const internal = /select |insert |postgres|redis|dynamo|econn|\bat .*:\d|\/(work|var|tmp)\/|node_modules|\[object|zod/i;

/** A refusal is one sentence or two for a program, and nothing internal. */
function expectRefusal(what: unknown, { status, body }: ServerAnswer, statuses: number[]): void {
  expect([what, statuses.includes(status), status, body['code']]).toEqual([what, true, status, expect.any(String)]);
  const message = String(body['message']);
  expect([what, message]).toEqual([what, expect.stringMatching(/^.{10,300}\.$/s)]);
  expect(message).not.toMatch(internal);
}

test('[SA3] each set of scopes may send exactly the requests whose scopes it has', async () => {
  const sets = Array.from({ length: 2 ** keyScopes.length - 1 }, (_, set) =>
    keyScopes.filter((_scope, place) => (set + 1) & (1 << place)),
  );
  const keys = await Promise.all(sets.map(async (scopes) => ({ scopes, ...(await createKey(stack, [...scopes])) })));
  const allowed: string[] = [];
  const expected: string[] = [];
  for (const { scopes, secret } of keys) {
    for (const [index, [route, needed, body]] of requests(randomUUID()).entries()) {
      const { status } = await call(stack, route, { as: secret, body });
      const name = `${scopes.join('+')} ${index}`;
      if (needed.every((each) => (scopes as string[]).includes(each))) expected.push(name);
      expect([200, 403, 404]).toContain(status);
      if (status !== 403) allowed.push(name);
    }
  }
  expect(allowed).toEqual(expected);
});

test('[SA1] no other form of the header is a key', async () => {
  const { secret, id } = all;
  const random = secret.slice(-43);
  const headers = [
    ...[secret, `Basic ${secret}`, `Bearer`, `Bearer ${secret} ${secret}`, `Bearer ${secret},Bearer ${secret}`],
    ...[`Bearer ${secret.toUpperCase()}`, `Bearer rk_${id}_`, `Bearer rk__${random}`, `Bearer ${id}_${random}`],
    ...[`Bearer rk_${id}_${random}=`, `Bearer rk_${id}_${random.slice(1)}`, `Bearer rk_${id}_${'A'.repeat(8000)}`],
    ...['Bearer null', 'Bearer undefined', `Bearer ${admin}`, 'Bearer rk_é', `Bearer rk___proto__________${random}`],
  ];
  for (const authorization of headers) {
    const answer = await call(stack, 'GET /server/sessions', { headers: { authorization } });
    expectRefusal(authorization.slice(0, 60), answer, [401]);
    expect(JSON.stringify(answer.body)).not.toContain(random);
  }
  for (const authorization of [`bearer ${secret}`, `Bearer   ${secret}`]) {
    expect((await call(stack, 'GET /server/sessions', { headers: { authorization } })).status).toBe(200);
  }
  expect(stack.lines.join('\n')).not.toContain(random);
});

const deep = (levels: number) => `${'{"a":'.repeat(levels)}1${'}'.repeat(levels)}`;
/** Bodies that no route accepts. */
const oddBodies: [name: string, body: string][] = [
  ...['null', '[]', '1', '"x"', 'true', '{', '{"event":', 'NaN', 'undefined', '<xml/>', "{'event':'x'}", 'event=x'].map(
    (text): [string, string] => [text, text],
  ),
  ['a byte order mark', '\ufeff{"event":"x"}'],
  ['many bytes', `{"event":"${'x'.repeat(33_000)}"}`],
  ['many levels', deep(5000)],
  ['some more levels than allowed', deep(200)],
];
const oddEvents: object[] = [
  ...[{}, { event: null }, { event: 5 }, { event: '' }, { event: ' ' }, { event: ['x'] }, { event: 'x'.repeat(5000) }],
  ...[
    { event: 'x', to: 'all' },
    { event: 'x', to: [1] },
    { event: 'x', to: { 0: randomUUID() } },
  ],
  ...[{ event: 'x\u0000' }, { event: 'x', payload: '\u0000' }, { event: 'x', payload: { '\u0000': 1 } }],
  ...[
    { event: 'x', agent: '' },
    { event: 'x', agent: 5 },
    { event: 'x', agent: '\u0000' },
  ],
  ...[
    { event: 'x', agent: 'x'.repeat(101) },
    { event: 'x', payload: 'x'.repeat(20_000) },
  ],
];
const oddAgents: object[] = [
  ...[-1, 0, 9.999, 3600.001, 1e308, '60', null, true, [60], {}].map((leaseSeconds) => ({ leaseSeconds })),
  ...['', 'ada', 5, [], '00000000-0000'].map((onBehalfOf) => ({ onBehalfOf })),
  ...['offline', 'ONLINE', '', null, 1].map((status) => ({ status })),
  ...[5, 'x'.repeat(300), '\u0000', null, {}].map((name) => ({ name })),
  ...[{ activity: 5 }, { activity: 'x'.repeat(1000) }, { data: [] }, { data: null }, { data: 'x' }],
  ...[{ cursor: 'x' }, { cursor: [] }, { cursor: { position: 'x' } }, { cursor: { more: 'x'.repeat(2000) } }],
  ...[{ data: { '\u0000': 1 } }, { data: { text: 'x'.repeat(3000) } }, { order: -1 }],
];

test('odd bodies are refused, change nothing and name one next step', async () => {
  const before = await stack.audit(sessionId);
  const event = `POST /server/sessions/${sessionId}/events`;
  const agent = `PUT /server/sessions/${sessionId}/agents/odd`;
  for (const route of [event, agent]) {
    for (const [name, body] of oddBodies)
      expectRefusal([route, name], await call(stack, route, { as: all.secret, body }), [400, 413]);
  }
  for (const body of oddEvents) expectRefusal(body, await call(stack, event, { as: all.secret, body }), [400, 413]);
  for (const body of oddAgents) expectRefusal(body, await call(stack, agent, { as: all.secret, body }), [400, 413]);
  for (const text of ['{"leaseSeconds":1e400}', '{"leaseSeconds":-1e400}', '{"cursor":{"position":1e400}}'])
    expectRefusal(text, await call(stack, agent, { as: all.secret, body: text }), [400]);
  const keyRoute = 'POST /service/keys';
  const terms = { name: 'x', scopes: ['broadcast'] };
  for (const body of [
    ...[
      ...oddBodies.map(([, text]) => text),
      {},
      { name: 'x' },
      { ...terms, name: '\u200b' },
      { ...terms, scopes: {} },
    ],
    ...[0, 0.5, -1, 1e12, '60', null].map((expiresInSeconds) => ({ ...terms, expiresInSeconds })),
    ...['x', [], [''], [5], Array(101).fill('x'), ['\u0000']].map((sessions) => ({ ...terms, sessions })),
    ...[[], ['all'], ['__proto__'], ['constructor'], [null]].map((scopes) => ({ ...terms, scopes })),
  ]) {
    expectRefusal(body, await call(stack, keyRoute, { as: admin, body }), [400, 413]);
  }
  await owner.expect('pong', { type: 'ping' });
  expect(owner.framesOf('broadcast')).toEqual([]);
  const { users } = await owner.expect('presence_state', { type: 'presence_sync', sessionId });
  expect(users).toHaveLength(1);
  expect(await stack.audit(sessionId)).toEqual(before);
});

test('unknown fields, keys of prototypes and every content type are accepted as they are', async () => {
  const event = `POST /server/sessions/${sessionId}/events`;
  const body = '{"event":"proto","payload":{"__proto__":{"a":1},"constructor":2},"__proto__":{"to":[]},"more":1}';
  for (const type of ['application/json', 'text/plain', 'application/octet-stream', 'x', 'multipart/form-data']) {
    const sent = await call(stack, event, { as: all.secret, body, headers: { 'content-type': type } });
    expect([type, sent.status, sent.body]).toEqual([type, 200, { receivers: 1, repeated: false }]);
    const frame = await owner.next('broadcast');
    expect(JSON.stringify(frame)).toContain('"payload":{"__proto__":{"a":1},"constructor":2}');
  }
  const agent = `PUT /server/sessions/${sessionId}/agents/__proto__`;
  const set = await call(stack, agent, {
    as: all.secret,
    body: '{"data":{"__proto__":{"a":1},"constructor":[]},"kind":"person","userId":"x","role":"owner","leaseUntil":1}',
  });
  expect(set).toMatchObject({ status: 200, body: { agent: { agentId: '__proto__', joined: true } } });
  const { body: listed } = await call(stack, `GET /server/sessions/${sessionId}/people`, { as: all.secret });
  const people = listed['people'] as Record<string, unknown>[];
  const shown = people.find(({ kind }) => kind === 'agent')!;
  expect(shown).toMatchObject({ username: '__proto__', role: 'viewer' });
  expect(JSON.stringify(shown['data'])).toBe('{"__proto__":{"a":1},"constructor":[]}');
  expect((await call(stack, agent.replace('PUT', 'DELETE'), { as: all.secret })).body).toEqual({ ended: true });
});

test('odd ids and names in the path are refused or unknown', async () => {
  const ids = ['%00', '%ff', '%E0%A4%A', '..%2f..', '__proto__', 'constructor', '%20', "'%3B--", 'x'.repeat(2000), '*'];
  for (const id of ids) {
    for (const [route, , body] of requests(id).slice(1))
      expectRefusal(route, await call(stack, route, { as: all.secret, body }), [400, 404, 413]);
    const person = `DELETE /server/sessions/${sessionId}/people/${id}`;
    expectRefusal(person, await call(stack, person, { as: all.secret }), [400]);
  }
  const before = await stack.audit(sessionId);
  for (const id of ['%00', 'x'.repeat(101), 'a%00b']) {
    for (const method of ['PUT', 'DELETE']) {
      const route = `${method} /server/sessions/${sessionId}/agents/${id}`;
      expectRefusal(route, await call(stack, route, { as: all.secret }), [400]);
    }
  }
  for (const query of [
    'limit=0',
    'limit=x',
    'limit=1e9',
    'before=x',
    'before=%00',
    'key=%00',
    `key=${'x'.repeat(300)}`,
  ]) {
    expectRefusal(query, await call(stack, `GET /server/sessions?${query}`, { as: all.secret }), [400]);
  }
  const reason = `DELETE /server/sessions/${sessionId}/people/${randomUUID()}?reason=`;
  for (const text of ['%00', 'x'.repeat(501)])
    expectRefusal(text, await call(stack, reason + text, { as: all.secret }), [400, 413]);
  expect(await stack.audit(sessionId)).toEqual(before);
});

test('[SA4] an odd idempotency key is refused, or names the event exactly', async () => {
  const route = `POST /server/sessions/${sessionId}/events`;
  const send = (key: string, event = 'once') =>
    call(stack, route, { as: all.secret, body: { event }, headers: { 'idempotency-key': key } });
  for (const key of ['__proto__', '0', '*', 'a b', "'", 'x'.repeat(255)]) {
    expect([key, (await send(key)).body]).toEqual([key, { receivers: 1, repeated: false }]);
    expect([key, (await send(key)).body]).toEqual([key, { receivers: 0, repeated: true }]);
    expectRefusal(key, await send(key, 'other'), [400]);
  }
  const answers = await Promise.all(['a', 'b', 'c', 'd'].map((event) => send('race', event)));
  expect(answers.map(({ status }) => status).sort()).toEqual([200, 400, 400, 400]);
});
