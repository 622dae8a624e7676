import { answerTo, errorFrame, readRequest, refusalOf } from '../../lambdas/adapters/request.ts';
import { RollcallError } from '../../protocol/errors.ts';
import { limits } from '../../protocol/limits.ts';
import { type MessageType, messageTypes } from '../../protocol/messages.ts';

const read = (value: unknown, base64 = false) =>
  readRequest(typeof value === 'string' ? value : JSON.stringify(value), base64);

test('a message with additional fields is accepted, also as base64', () => {
  const message = { type: 'ping', requestId: 'r1', unknown: { field: 1 } };
  const expected = { type: 'ping', requestId: 'r1', message: { requestId: 'r1' } };
  expect(read(message)).toEqual(expected);
  expect(read(Buffer.from(JSON.stringify(message)).toString('base64'), true)).toEqual(expected);
});

test.each([
  ['{', undefined],
  ['[]', undefined],
  ['null', undefined],
  ['"ping"', undefined],
  [{ requestId: 'r1' }, 'r1'],
  [{ type: 'toString', requestId: 'r1' }, 'r1'],
  [{ type: 'session_join', requestId: 'r1' }, 'r1'],
  [{ type: 'ping', requestId: 'x'.repeat(limits.requestIdCharacters + 1) }, undefined],
])('%j is refused as INVALID_MESSAGE', (message, requestId) => {
  const request = read(message);
  expect(request).toEqual({ requestId, refusal: expect.objectContaining({ code: 'INVALID_MESSAGE' }) });
});

test('the size limit of a message is in bytes of UTF-8, and a message of exactly that size is accepted', () => {
  const of = (bytes: number) => {
    const start = '{"type":"ping","x":"ü';
    return `${start}${'x'.repeat(bytes - Buffer.byteLength(start) - 2)}"}`;
  };
  expect(read(of(limits.messageBytes))).toMatchObject({ type: 'ping' });
  expect(read(of(limits.messageBytes + 1))).toMatchObject({ refusal: { code: 'TOO_LARGE' } });
});

test('the refusal of a message that is too large has its requestId, if the message has one', () => {
  const padding = 'x'.repeat(limits.messageBytes + 1);
  const refusal = expect.objectContaining({ code: 'TOO_LARGE' });
  expect(read({ type: 'ping', requestId: 'r1', padding })).toEqual({ requestId: 'r1', refusal });
  expect(read(padding)).toEqual({ requestId: undefined, refusal });
});

test('a field that is too large is TOO_LARGE even if another field is invalid', () => {
  const message = { type: 'presence_update', sessionId: 5, activity: 'x'.repeat(201) };
  expect(read(message)).toMatchObject({ refusal: { code: 'TOO_LARGE' } });
});

test('a message may have a hundred levels of nesting, and a deeper one is refused', () => {
  const nested = (levels: number) =>
    `{"type":"activity_log","requestId":"r1","sessionId":"s","activityType":"a","details":{"x":${'['.repeat(levels - 2)}${']'.repeat(levels - 2)}}}`;
  expect(read(nested(limits.nestingLevels))).toMatchObject({ type: 'activity_log' });
  for (const levels of [limits.nestingLevels + 1, 16_000]) {
    expect(read(nested(levels))).toMatchObject({ requestId: 'r1', refusal: { code: 'INVALID_MESSAGE' } });
  }
});

test.each([
  [{ type: 'cursor_update', sessionId: 's', cursor: { eventId: 'e\ud83d', position: 1 } }],
  [{ type: 'cursor_update', sessionId: 's', cursor: { eventId: 'e', position: 1, deep: [{ '\udc00': 1 }] } }],
  [{ type: 'heartbeat', sessionId: 's', cursor: { eventId: '\ud83d', position: 1 } }],
  [{ type: 'presence_update', sessionId: 's', activity: '\ud83d' }],
  [{ type: 'machine_register', machineId: 'm', name: 'n', metadata: { text: '\ud83d' } }],
])('half of a surrogate pair is refused if a store could not read it: %j', (message) => {
  expect(read(message)).toMatchObject({
    refusal: { code: 'INVALID_MESSAGE', message: expect.stringMatching(/Unicode/) },
  });
});

test('text that describes such characters is accepted', () => {
  const text = String.raw`\u0000 \ud83d \\ud83d 😀`;
  for (const message of [
    { type: 'cursor_update', sessionId: 's', cursor: { eventId: text, position: 1 } },
    { type: 'presence_update', sessionId: 's', activity: text },
    { type: 'activity_log', sessionId: 's', activityType: text, details: { [text]: text } },
    { type: 'session_create', operationId: text, metadata: { title: text } },
  ]) {
    expect(read(message)).toMatchObject({ type: message.type });
  }
});

test('the refusal names the field', () => {
  const request = read({ type: 'cursor_update', sessionId: 's', cursor: { eventId: 'e', position: 'x' } });
  expect(request).toMatchObject({ refusal: { message: expect.stringContaining('"cursor.position"') } });
});

test('an answer repeats the requestId', () => {
  const request = { type: 'ping', message: {} } as const;
  const pong = { type: 'pong', serverTime: 1 } as const;
  expect(answerTo({ ...request, requestId: 'r1' }, pong)).toEqual({ ...pong, requestId: 'r1' });
  expect(answerTo({ ...request, requestId: undefined }, pong)).toEqual(pong);
});

test('a quiet request gets an acknowledgement only if it has a requestId, and other requests get one always', () => {
  const ackOf = (type: MessageType, requestId?: string) => answerTo({ type, message: {}, requestId }, undefined);
  const quiet: MessageType[] = ['presence_update', 'cursor_update', 'heartbeat', 'machine_heartbeat', 'broadcast'];
  for (const type of messageTypes) {
    expect(ackOf(type, 'r1')).toEqual({ type: 'ack', requestId: 'r1' });
    expect([type, ackOf(type)]).toEqual([type, quiet.includes(type) ? undefined : { type: 'ack' }]);
  }
});

test('an error frame says whether and when to retry', () => {
  const refusal = new RollcallError('UNAVAILABLE', 'Try again.', { retryAfterMillis: 1000 });
  expect(errorFrame(refusal, 'r1')).toEqual({
    type: 'error',
    requestId: 'r1',
    code: 'UNAVAILABLE',
    message: 'Try again.',
    retryable: true,
    retryAfterMillis: 1000,
  });
  expect(errorFrame(new RollcallError('SESSION_FULL', 'Full.'), undefined)).toEqual({
    type: 'error',
    code: 'SESSION_FULL',
    message: 'Full.',
    retryable: false,
  });
});

describe('[FA6] an error', () => {
  const log = { warn: jest.fn(), error: jest.fn() };
  beforeEach(() => jest.clearAllMocks());

  test('from a bug is logged once with its context and answered with INTERNAL without its message', () => {
    const bug = new Error('relation "users" does not exist at 10.0.0.1');
    const refusal = refusalOf(bug, () => ({ requestId: 'r1', route: 'ping' }), log);
    expect(refusal.code).toBe('INTERNAL');
    expect(refusal.message).not.toMatch(/users|10\.0/);
    expect(log.error.mock.calls).toEqual([['A handler failed', { requestId: 'r1', route: 'ping', error: bug }]]);
  });

  test('that is a refusal is answered as it is, and only its cause is logged', () => {
    const plain = new RollcallError('SESSION_FULL', 'Full.');
    expect(refusalOf(plain, () => ({}), log)).toBe(plain);
    expect(log.warn).not.toHaveBeenCalled();
    const caused = new RollcallError('UNAVAILABLE', 'Try again.', { cause: new Error('ECONNREFUSED') });
    expect(refusalOf(caused, () => ({}), log)).toBe(caused);
    expect(log.warn).toHaveBeenCalledTimes(1);
  });
});
