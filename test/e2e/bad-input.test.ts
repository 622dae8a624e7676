import WebSocket from 'ws';
import type { Session } from '../../protocol/entities.ts';
import type { ServerFrame } from '../../protocol/frames.ts';
import { limits } from '../../protocol/limits.ts';
import { type MessageType, messageTypes } from '../../protocol/messages.ts';
import { type Arrived, startTestStack, type TestStack } from '../support/stack.ts';

let stack: TestStack;
let owner: Arrived;
let session: Session;
let number = 0;

beforeAll(async () => {
  stack = await startTestStack();
  ({ owner, session } = await stack.host('olive'));
});
afterAll(() => stack.close());

const uuid = '0190f1e2-6d0a-7c3b-8f4d-1a2b3c4d5e6f';
const cursor = { eventId: 'e', position: 1 };
const injection = "'; DROP TABLE users; --";
const long = (characters: number) => 'x'.repeat(characters + 1);

type Expectation = string | RegExp;
/** Invalid values of a field, and the code of the answer. */
type WrongField = [field: string, value: unknown, code: Expectation];

const shape = 'INVALID_MESSAGE';
const wrongText = (field: string, maximum: number): WrongField[] => [
  ...([undefined, null, 5, {}, [], true, '', '  '] as const).map((value): WrongField => [field, value, shape]),
  [field, long(maximum), 'TOO_LARGE'],
  [field, 'a\u0000b', shape],
];
const wrongUuid = (field: string): WrongField[] =>
  [undefined, null, 5, [], {}, 'bob', injection, `${uuid}\u0000`, `${uuid}0`].map((value) => [field, value, shape]);
const wrongRole: WrongField[] = [undefined, null, 'owner', 'OPERATOR', 1, ['viewer']].map((value) => [
  'role',
  value,
  shape,
]);
const wrongTime = (field: string): WrongField[] =>
  [null, 'now', -1, 1.5, 1e300, [1], {}].map((value) => [field, value, shape]);
const wrongCursor: WrongField[] = [
  ...[undefined, 'here', 7, [], [cursor], true, { eventId: 1 }, { eventId: null }, { eventId: ' ' }].map(
    (value): WrongField => ['cursor', value, shape],
  ),
  ['cursor', { eventId: '', position: 1 }, shape],
  ['cursor', { eventId: 'e', position: '1' }, shape],
  ['cursor', { eventId: 'e', position: null }, shape],
  ['cursor', { eventId: '\ud800', position: 1 }, shape],
  ['cursor', { ...cursor, more: [{ 'a\udfff': 1 }] }, shape],
  ['cursor', { ...cursor, more: long(limits.cursorBytes) }, 'TOO_LARGE'],
  ['cursor', { ...cursor, more: 'ü'.repeat(limits.cursorBytes / 2) }, 'TOO_LARGE'],
];
const optional = (wrong: WrongField[]) => wrong.filter(([, value]) => value !== undefined);
const wrongObject = (field: string, maximum: number): WrongField[] => [
  ...[null, 5, 'text', [], true].map((value): WrongField => [field, value, shape]),
  [field, { more: long(maximum) }, 'TOO_LARGE'],
  [field, { 'a\u0000b': 1 }, shape],
  [field, { deep: ['a\u0000b'] }, shape],
];

/** Halves of surrogate pairs, which `jsonb` does not accept. */
const halfCharacters = (field: string): WrongField[] => [
  [field, { text: 'a\ud800b' }, shape],
  [field, { 'a\udfff': ['b'] }, shape],
];

const wrongData: WrongField[] = [
  ...wrongObject('data', limits.dataBytes),
  ...halfCharacters('data'),
  ['data', { more: 'ü'.repeat(limits.dataBytes / 2) }, 'TOO_LARGE'],
];
const wrongStatus: WrongField[] = ['ONLINE', 'busy', '', null, 5, []].map((value) => ['status', value, shape]);
const wrongActivity: WrongField[] = [
  ...[5, [], {}, true].map((value): WrongField => ['activity', value, shape]),
  ['activity', long(limits.activityCharacters), 'TOO_LARGE'],
  ['activity', 'a\ud800', shape],
];

const metadata = (field: string, ...values: unknown[]) =>
  values.map((value): WrongField => ['metadata', { [field]: value }, shape]);

const wrongMetadata: WrongField[] = [
  ...wrongObject('metadata', limits.metadataBytes),
  ...halfCharacters('metadata'),
  ...metadata('title', 5, null, []),
  ...metadata('isPublic', 'yes', 1, null),
  ...metadata('maxParticipants', 0, -1, 1.5, 1001, '5', 1e300, null),
  ...metadata('visibility', 'all', { cursors: 'owner' }, { activity: 1 }, null),
  ...metadata('objective', 5, null),
  ['metadata', { target: long(limits.targetCharacters) }, 'TOO_LARGE'],
];

/** For each type: a valid message without its session, and the invalid values of its other fields. */
const table: Record<MessageType, [right: Record<string, unknown>, wrong: WrongField[]]> = {
  hello: [{}, [5, null, 'xml', ''].map((value) => ['format', value, shape])],
  ping: [{}, []],
  session_create: [
    { operationId: 'op' },
    [...wrongText('operationId', limits.operationIdCharacters), ...wrongMetadata, ...wrongData],
  ],
  session_join: [
    {},
    [
      ['invite', 5, shape],
      ['invite', null, shape],
      ['invite', long(2048), 'TOO_LARGE'],
      ...[...wrongStatus, ...wrongActivity, ...wrongData],
    ],
  ],
  session_open: [
    { key: 'doc' },
    [
      ...wrongText('key', limits.keyCharacters),
      ...wrongMetadata,
      ['invite', 5, shape],
      ['invite', long(2048), 'TOO_LARGE'],
      ...[...wrongStatus, ...wrongActivity, ...wrongData],
    ],
  ],
  session_leave: [{}, []],
  session_end: [{}, ['expired', 'active', '', null, 5, [], injection].map((value) => ['status', value, shape])],
  session_recover: [{}, []],
  presence_update: [{}, [...[...wrongStatus, ...wrongActivity, ...wrongData], ...optional(wrongCursor)]],
  presence_sync: [{}, []],
  broadcast: [
    { event: 'wave' },
    [
      ...wrongText('event', limits.eventCharacters),
      ['payload', long(limits.payloadBytes), 'TOO_LARGE'],
      ['payload', { deep: ['a\u0000b'] }, shape],
      ...halfCharacters('payload'),
      ...[null, 'bob', {}, ['bob'], [5], [`${uuid}0`]].map((value): WrongField => ['to', value, shape]),
    ],
  ],
  cursor_update: [{ cursor }, wrongCursor],
  heartbeat: [
    {},
    [
      ...optional(wrongCursor),
      ['idle', 'yes', shape],
      ['idle', 1, shape],
      ['idle', null, shape],
      ['hidden', 1, shape],
      ['hidden', null, shape],
    ],
  ],
  participants_list: [{}, []],
  participant_role: [{ userId: uuid, role: 'viewer' }, [...wrongUuid('userId'), ...wrongRole]],
  participant_remove: [
    { userId: uuid },
    [...wrongUuid('userId'), ['reason', 5, shape], ['reason', null, shape], ['reason', long(500), 'TOO_LARGE']],
  ],
  invite_create: [
    { role: 'viewer' },
    [
      ...wrongRole,
      ...[0, -1, 'x', null, 1e300, []].map((value): WrongField => ['expiresInSeconds', value, shape]),
      ...[0, -1, 1.5, 'x', null, 1e300].map((value): WrongField => ['maxUses', value, shape]),
    ],
  ],
  invite_revoke: [{ inviteId: uuid }, wrongUuid('inviteId')],
  activity_log: [
    { activityType: 'noted' },
    [
      ...wrongText('activityType', limits.activityTypeCharacters),
      ...wrongObject('details', limits.detailsBytes),
      ...optional(wrongUuid('activityId')),
    ],
  ],
  activity_query: [
    {},
    [
      ...[0, -1, 1.5, 1001, '5', null, 1e300].map((value): WrongField => ['limit', value, shape]),
      ...[5, null, 'nonsense', injection, 'a\u0000b'].map((value): WrongField => ['before', value, shape]),
      ['before', long(512), 'TOO_LARGE'],
      ...[5, null, []].map((value): WrongField => ['activityType', value, shape]),
      ['activityType', long(limits.activityTypeCharacters), 'TOO_LARGE'],
      ...optional(wrongUuid('userId')),
      ...wrongTime('from'),
      ...wrongTime('to'),
    ],
  ],
  presence_history: [{ at: 1 }, [['at', undefined, shape], ...wrongTime('at')]],
  machine_register: [
    { machineId: 'm', name: 'M' },
    [
      ...wrongText('machineId', limits.machineIdCharacters),
      ...wrongText('name', limits.nameCharacters),
      ...wrongObject('metadata', limits.detailsBytes),
      ...halfCharacters('metadata'),
    ],
  ],
  machine_heartbeat: [
    { machineId: 'm' },
    [
      ...optional(wrongText('machineId', limits.machineIdCharacters)),
      ['machineId', injection, 'MACHINE_NOT_FOUND'],
      ...['now', null, [], {}].map((value): WrongField => ['time', value, shape]),
    ],
  ],
  machine_list: [{}, []],
  figures_watch: [{}, []],
};

const unknownSession = /^(SESSION_NOT_FOUND|NOT_IN_SESSION)$/;
const wrongSessions: WrongField[] = [
  ...[undefined, null, 5, {}, [], true, '', ' '].map((value): WrongField => ['sessionId', value, shape]),
  ['sessionId', long(255), 'TOO_LARGE'],
  ...['a\u0000b', 'a\ud83d'].map((value): WrongField => ['sessionId', value, shape]),
  ...[uuid, injection, '__proto__', 'SESSION-20200101-NONE', '*', '{}:x'].map(
    (value): WrongField => ['sessionId', value, unknownSession],
  ),
];
const withoutSession = [
  'hello',
  'ping',
  'session_create',
  'session_open',
  'machine_register',
  'machine_heartbeat',
  'machine_list',
  'figures_watch',
];

/** All stored data, so that a test notices each change. */
async function everything(): Promise<unknown> {
  const tables = [
    'users',
    'collaboration_sessions',
    'session_participants',
    'session_invites',
    'machines',
    'activity_log',
  ];
  const rows = await Promise.all(
    tables.map((table) =>
      stack.database.query(`SELECT count(*), md5(string_agg(t::text, ',' ORDER BY t::text)) FROM
      (SELECT (to_jsonb(x) - 'last_joined_at' - 'last_seen_at' - 'last_active_at' - 'updated_at') AS t FROM ${table} x) AS rows`),
    ),
  );
  const { users } = await owner.expect('presence_state', { type: 'presence_sync', sessionId: session.id });
  return [
    rows.map((result) => result.rows),
    users.map(({ userId, status, cursor, activity, role }) => ({ userId, status, cursor, activity, role })),
  ];
}

describe.each(messageTypes)('a wrong %s', (type) => {
  const [right, wrong] = table[type];
  const naming = !withoutSession.includes(type);

  test('is answered with the fitting code and its requestId, and changes nothing', async () => {
    const before = await everything();
    for (const [field, value, code] of [...wrong, ...(naming ? wrongSessions : [])]) {
      if (number++ % 40 === 0) await refresh();
      const answer = await sender.ask({ type, ...(naming ? { sessionId: session.id } : {}), ...right, [field]: value });
      const problem = JSON.stringify({ type, field, value: JSON.stringify(value)?.slice(0, 60) });
      const told = answer.type === 'error' ? answer.code : answer.type;
      expect([problem, told]).toEqual([problem, typeof code === 'string' ? code : expect.stringMatching(code)]);
      if (answer.type === 'error') {
        expect(answer.message).toMatch(/^\S.{8,}\.$/s);
        expect(answer.message).not.toMatch(/select|postgres|redis|dynamo|\bat .*:\d/i);
      }
    }
    expect(await everything()).toEqual(before);
  });
});

let sender: Arrived;

/** Whether a frame is no reply to a request of `ask`. */
const unasked = ({ requestId }: { requestId?: string | undefined }) => requestId === undefined;

/** Opens new connections, because one may send sixty messages at once and the table is longer. */
async function refresh(): Promise<void> {
  const earlier = sender as Arrived | undefined;
  sender = await stack.arrive('olive');
  await sender.expect('session_joined', { type: 'session_join', sessionId: session.id });
  await earlier?.expect('session_left', { type: 'session_leave', sessionId: session.id });
  await earlier?.close();
}

test('a field that could pollute a prototype is treated as an ordinary field', async () => {
  await refresh();
  const text = `{"type":"activity_log","requestId":"p1","sessionId":"${session.id}","activityType":"noted",
    "__proto__":{"polluted":true},"constructor":{"prototype":{"polluted":true}},
    "details":{"__proto__":{"polluted":true},"constructor":{"prototype":{"polluted":true}}}}`;
  sender.send(text);
  const { activityId } = await sender.next('activity_logged');
  const { items } = await sender.expect('activity_page', { type: 'activity_query', sessionId: session.id, limit: 50 });
  expect(JSON.stringify(items.find(({ id }) => id === activityId)?.details)).toBe(
    '{"__proto__":{"polluted":true},"constructor":{"prototype":{"polluted":true}}}',
  );
  sender.send('{"__proto__":{"type":"ping"},"requestId":"p2"}');
  expect(await sender.next('error', ({ requestId }) => requestId === 'p2')).toMatchObject({
    requestId: 'p2',
    code: 'INVALID_MESSAGE',
  });
  for (const type of ['__proto__', 'constructor', 'toString', 'hasOwnProperty']) {
    expect(await sender.ask({ type })).toMatchObject({ type: 'error', code: 'INVALID_MESSAGE' });
  }
  expect(await sender.expect('pong', { type: 'ping' })).not.toHaveProperty('polluted');
});

/** Sends a JSON text, which can contain what an object literal cannot. @returns the reply. */
async function askWith(text: string): Promise<ServerFrame> {
  const requestId = `raw-${number++}`;
  sender.send(text.replace('{', `{"requestId":"${requestId}",`));
  return (await sender.nextOf((frame) => frame.requestId === requestId)) as ServerFrame;
}

const odd = '"__proto__":{"a":[{"__proto__":1}]},"constructor":2';

test('a field named __proto__ is stored where free fields are allowed', async () => {
  await refresh();
  const created = await askWith(`{"type":"session_create","operationId":"o","metadata":{"title":"t",${odd}}}`);
  const { session: made } = created as ServerFrame<'session_created'>;
  expect(JSON.stringify(made.metadata)).toContain(odd);
  const { rows } = await stack.database.query(
    `SELECT metadata->'__proto__'->'a'->0->>'__proto__' AS inner FROM collaboration_sessions WHERE id = $1`,
    [made.id],
  );
  expect(rows).toEqual([{ inner: '1' }]);
  await askWith(`{"type":"machine_register","machineId":"odd","name":"odd","metadata":{${odd}}}`);
  const { machines } = await sender.expect('machines', { type: 'machine_list' });
  expect(JSON.parse(JSON.stringify(machines.find(({ machineId }) => machineId === 'odd')?.metadata))).toEqual(
    JSON.parse(`{${odd}}`),
  );
  const id = session.id;
  await askWith(`{"type":"presence_update","sessionId":"${id}","cursor":{"eventId":"e","position":1,${odd}}}`);
  const { users } = await sender.expect('presence_state', { type: 'presence_sync', sessionId: id });
  expect(JSON.stringify(users.find(({ userId }) => userId === sender.userId)?.cursor)).toContain(odd);
  const watcher = await stack.arrive('wanda');
  await watcher.expect('session_joined', { type: 'session_join', sessionId: id });
  await askWith(`{"type":"cursor_update","sessionId":"${id}","cursor":{"eventId":"e2","position":1,${odd}}}`);
  const { cursors } = await watcher.next('cursors', (frame) => JSON.stringify(frame).includes('"e2"'));
  expect(JSON.stringify(cursors)).toContain(odd);
});

test.each([
  ['activity_log', `"activityType":"noted","details":{"a":[1e400]}`],
  ['presence_update', `"cursor":{"eventId":"e","position":1,"a":{"b":-1e400}}`],
  ['cursor_update', `"cursor":{"eventId":"e","position":1,"a":1e400}`],
  ['heartbeat', `"cursor":{"eventId":"e","position":1e400}`],
  ['session_create', `"operationId":"o","metadata":{"a":1e400}`],
  ['broadcast', `"event":"e","payload":[1e400]`],
  ['machine_register', `"machineId":"m","name":"n","metadata":{"a":1e400}`],
  ['hello', `"client":[1e400]`],
])('a number that JSON would write as null is refused in a %s', async (type, fields) => {
  await refresh();
  const answer = await askWith(`{"type":"${type}","sessionId":"${session.id}",${fields}}`);
  expect(answer).toMatchObject({ type: 'error', code: 'INVALID_MESSAGE' });
});

test('text that looks like an escape sequence is stored as it is', async () => {
  await refresh();
  const details = { pattern: '\\u0000 \\ud800', path: 'C:\\\\u0000' };
  const log = { type: 'activity_log', sessionId: session.id, activityType: 'noted', details };
  const { activityId } = await sender.expect('activity_logged', log);
  const query = { type: 'activity_query', sessionId: session.id, activityType: 'noted' };
  const { items } = await sender.expect('activity_page', query);
  expect(items.find(({ id }) => id === activityId)?.details).toEqual(details);
  const machine = { type: 'machine_register', machineId: '\\u0000', name: '\\u0000', metadata: details };
  expect((await sender.expect('machine_registered', machine)).machine.metadata).toEqual(details);
});

test.each([
  '',
  'x',
  '{',
  '[]',
  '[1]',
  '"text"',
  '5',
  'null',
  'true',
  '{}',
  '{"type":5}',
  '{"type":null}',
  '{"type":"$default"}',
  '{"type":"$connect"}',
  '{"type":"nonsense"}',
])('%s is answered by INVALID_MESSAGE', async (text) => {
  sender.send(text);
  const answer = await sender.next('error', unasked);
  expect(answer).toMatchObject({ code: 'INVALID_MESSAGE', retryable: false });
  expect(answer).not.toHaveProperty('requestId');
});

test('an invalid requestId is not repeated in the answer', async () => {
  for (const requestId of [5, null, {}, 'x'.repeat(65), 'a\u0000', '\ud83d']) {
    sender.send(JSON.stringify({ type: 'ping', requestId }));
    const answer = await sender.next('error', unasked);
    expect(answer.code).toMatch(/^(INVALID_MESSAGE|TOO_LARGE)$/);
    expect(answer).not.toHaveProperty('requestId');
  }
});

test('a fragmented message over 32 KB is answered with TOO_LARGE, and one of exactly 32 KB is accepted', async () => {
  const message = (bytes: number) => {
    const start = '{"type":"ping","more":"';
    return `${start}${'x'.repeat(bytes - start.length - 2)}"}`;
  };
  const send = (text: string) => {
    const half = text.length / 2;
    const options = { fin: false } satisfies Parameters<WebSocket['send']>[1];
    sender.socket.send(text.slice(0, half), options);
    sender.socket.send(text.slice(half), { fin: true });
  };
  send(message(limits.messageBytes));
  await sender.next('pong');
  send(message(limits.messageBytes + 2));
  expect(await sender.next('error', unasked)).toMatchObject({ code: 'TOO_LARGE' });
  expect(sender.socket.readyState).toBe(WebSocket.OPEN);
});
