import { log } from '../../lambdas/runtime/log.ts';
import { answerTo, errorFrame, readRequest, refusalOf } from '../../lambdas/runtime/request.ts';
import { RollcallError } from '../../protocol/errors.ts';
import { limits } from '../../protocol/limits.ts';
import { type MessageType, messageTypes } from '../../protocol/messages.ts';

const read = (value: unknown, base64 = false) =>
  readRequest(typeof value === 'string' ? value : JSON.stringify(value), base64);

test('a message is read, whatever else is in it, also as base64', () => {
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

test('the limit of a message is in bytes of UTF-8, and exactly reached is not exceeded', () => {
  const of = (bytes: number) => {
    const start = '{"type":"ping","x":"ü';
    return `${start}${'x'.repeat(bytes - Buffer.byteLength(start) - 2)}"}`;
  };
  expect(read(of(limits.messageBytes))).toMatchObject({ type: 'ping' });
  expect(read(of(limits.messageBytes + 1))).toMatchObject({ refusal: { code: 'TOO_LARGE' } });
});

test('a field that is too large is TOO_LARGE even where another one is wrong', () => {
  const message = { type: 'presence_update', sessionId: 5, activity: 'x'.repeat(201) };
  expect(read(message)).toMatchObject({ refusal: { code: 'TOO_LARGE' } });
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

test('a quiet request gets its ack only where it asks for one, every other request always', () => {
  const ackOf = (type: MessageType, requestId?: string) => answerTo({ type, message: {}, requestId }, undefined);
  const quiet: MessageType[] = ['presence_update', 'cursor_update', 'heartbeat', 'machine_heartbeat'];
  for (const type of messageTypes) {
    expect(ackOf(type, 'r1')).toEqual({ type: 'ack', requestId: 'r1' });
    expect([type, ackOf(type)]).toEqual([type, quiet.includes(type) ? undefined : { type: 'ack' }]);
  }
});

test('an error frame says whether and when to try again', () => {
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

describe('[FA6] what was thrown', () => {
  afterEach(() => jest.restoreAllMocks());

  test('by a bug is logged once with its context and becomes INTERNAL without a word about it', () => {
    const error = jest.spyOn(log, 'error').mockImplementation(() => {});
    const bug = new Error('relation "users" does not exist at 10.0.0.1');
    const refusal = refusalOf(bug, () => ({ requestId: 'r1', route: 'ping' }));
    expect(refusal.code).toBe('INTERNAL');
    expect(refusal.message).not.toMatch(/users|10\.0/);
    expect(error.mock.calls).toEqual([['A handler failed', { requestId: 'r1', route: 'ping', error: bug }]]);
  });

  test('as a refusal is passed on; only what caused it is logged', () => {
    const warn = jest.spyOn(log, 'warn').mockImplementation(() => {});
    const plain = new RollcallError('SESSION_FULL', 'Full.');
    expect(refusalOf(plain, () => ({}))).toBe(plain);
    expect(warn).not.toHaveBeenCalled();
    const caused = new RollcallError('UNAVAILABLE', 'Try again.', { cause: new Error('ECONNREFUSED') });
    expect(refusalOf(caused, () => ({}))).toBe(caused);
    expect(warn).toHaveBeenCalledTimes(1);
  });
});
