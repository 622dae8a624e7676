import type { APIGatewayProxyStructuredResultV2 } from 'aws-lambda';
import { callerOf } from '../../lambdas/adapters/caller.ts';
import { type GroupHandlers, type RouteOptions, route } from '../../lambdas/adapters/route.ts';
import { type LogContext, logContext } from '../../lambdas/platform/log-context.ts';
import { Meter } from '../../lambdas/platform/meter.ts';
import { RollcallError } from '../../protocol/errors.ts';
import { expectWithin } from '../support/time-limits.ts';
import { contextWith, messageEvent } from './socket-event.ts';

const metrics = new Meter(() => {});
const log = { debug: jest.fn(), info: jest.fn(), warn: jest.fn(), error: jest.fn() };
beforeEach(() => jest.clearAllMocks());

type Pong = GroupHandlers<'default'>['ping'];

async function ask(
  ping: Pong,
  message: unknown = { type: 'ping', requestId: 'r1' },
  options: Omit<RouteOptions, 'log' | 'metrics'> = {},
  millis = 5000,
) {
  const handlers = { ping, hello: async () => undefined };
  const answer = await route('default', handlers, { ...options, log, metrics })(
    messageEvent(message),
    contextWith(millis),
  );
  const { statusCode, body } = answer as APIGatewayProxyStructuredResultV2;
  return { statusCode, frame: body === undefined ? undefined : JSON.parse(body) };
}

const pong: Pong = async () => ({ type: 'pong', serverTime: 1 });

test('[DE10] a route with a route response answers with it', async () => {
  const post = jest.fn();
  expect(await ask(pong, undefined, { post })).toEqual({
    statusCode: 200,
    frame: { type: 'pong', serverTime: 1, requestId: 'r1' },
  });
  expect(post).not.toHaveBeenCalled();
});

describe('[DE10] a route without a response', () => {
  const heartbeat = async (message: object, serve: () => Promise<undefined>) => {
    const post = jest.fn(async () => {});
    const handler = route('heartbeat', { heartbeat: serve }, { post, log, metrics });
    const answer = await handler(messageEvent({ type: 'heartbeat', sessionId: 's', ...message }), contextWith(5000));
    return { answer, posts: post.mock.calls as unknown[][] };
  };
  const done = async () => undefined;

  test('posts an answer only if the message has a requestId', async () => {
    expect(await heartbeat({}, done)).toEqual({ answer: { statusCode: 200 }, posts: [] });
    expect(await heartbeat({ requestId: 'r1' }, done)).toEqual({
      answer: { statusCode: 200 },
      posts: [['c1', { type: 'ack', requestId: 'r1' }]],
    });
  });

  test('posts the error with or without a requestId', async () => {
    const fail = async () => {
      throw new RollcallError('NOT_IN_SESSION', 'Join first.');
    };
    expect((await heartbeat({}, fail)).posts).toEqual([
      ['c1', { type: 'error', code: 'NOT_IN_SESSION', message: 'Join first.', retryable: false }],
    ]);
    expect((await heartbeat({ sessionId: 5 }, done)).posts).toEqual([
      ['c1', expect.objectContaining({ code: 'INVALID_MESSAGE' })],
    ]);
  });
});

test('[FA6] a bug answers INTERNAL with the requestId and is logged once with its context', async () => {
  const bug = new TypeError('secret of the server');
  const { statusCode, frame } = await ask(() => Promise.reject(bug));
  expect([statusCode, frame]).toEqual([
    200,
    { type: 'error', requestId: 'r1', code: 'INTERNAL', message: expect.any(String), retryable: false },
  ]);
  expect(frame.message).not.toContain('secret');
  expect(log.error.mock.calls).toEqual([
    [
      'A handler failed',
      {
        route: 'route',
        userId: '0190f1e2-6d0a-7c3b-8f4d-1a2b3c4d5e6f',
        error: bug,
      },
    ],
  ]);
});

test('[FA6] a bug answers with a reference, and every log line of the event has it', async () => {
  const event = messageEvent({ type: 'ping', requestId: 'r1', sessionId: 's1' });
  event.requestContext.requestId = 'event-1';
  let line: LogContext | undefined;
  const noting = { ...log, error: () => (line = logContext()) };
  const fail = () => Promise.reject(new Error('a bug'));
  const handler = route(
    'default',
    { ping: fail, hello: async () => undefined },
    { log: noting as typeof log, metrics },
  );
  const answer = (await handler(event, contextWith(5000))) as APIGatewayProxyStructuredResultV2;
  expect(JSON.parse(answer.body!)).toMatchObject({ code: 'INTERNAL', requestId: 'r1', reference: 'event-1' });
  expect(line).toEqual({ requestId: 'event-1', clientRequestId: 'r1', connectionId: 'c1', sessionId: undefined });
});

test('[FA6] a handler that throws synchronously is answered with INTERNAL', async () => {
  const { frame } = await ask(() => {
    throw new Error('at once');
  });
  expect(frame).toMatchObject({ requestId: 'r1', code: 'INTERNAL' });
});

test('[FA6] a handler that runs out of time is answered before the function is killed', async () => {
  const work = Promise.withResolvers<undefined>();
  const started = Date.now();
  const { frame } = await ask(() => work.promise, undefined, {}, 550);
  await expectWithin(Date.now() - started, 500);
  expect(frame).toMatchObject({ requestId: 'r1', code: 'INTERNAL' });
  expect(log.error).toHaveBeenCalledTimes(1);
  work.reject(new Error('much later'));
  await work.promise.catch(() => {});
  await Promise.resolve();
  expect(log.warn).toHaveBeenCalledTimes(1);
});

test('a message of another group is a mistake in the stack; it is answered and logged', async () => {
  const { frame } = await ask(pong, { type: 'heartbeat', sessionId: 's', requestId: 'r1' });
  expect(frame).toMatchObject({ type: 'error', requestId: 'r1', code: 'INTERNAL' });
  expect(log.error).toHaveBeenCalledTimes(1);
});

test('a connection above the rate limit is refused before any work is done', async () => {
  const served = jest.fn(pong);
  const limit = async (connectionId: string) => {
    throw new RollcallError('RATE_LIMITED', `Wait, ${connectionId}.`, { retryAfterMillis: 50 });
  };
  const { frame } = await ask(served, undefined, { limit });
  expect(frame).toMatchObject({ code: 'RATE_LIMITED', requestId: 'r1', retryable: true, retryAfterMillis: 50 });
  expect(served).not.toHaveBeenCalled();
});

test('the pending writes are flushed before the answer, whatever the outcome', async () => {
  const finish = jest.fn(async () => {});
  await ask(pong, undefined, { finish });
  await ask(() => Promise.reject(new Error('bug')), undefined, { finish });
  await ask(pong, '{', { finish });
  expect(finish).toHaveBeenCalledTimes(3);
});

test('the caller comes from the authorizer and never from the message', async () => {
  const callers: unknown[] = [];
  const ping: Pong = async (_, caller) => {
    callers.push(caller);
    return undefined;
  };
  await ask(ping, { type: 'ping', userId: 'mallory', scopes: ['rollcall/admin'] });
  expect(callers).toEqual([
    {
      connectionId: 'c1',
      userId: '0190f1e2-6d0a-7c3b-8f4d-1a2b3c4d5e6f',
      username: 'Ada',
      externalId: undefined,
      scopes: [],
      guest: undefined,
      ipAddress: '192.0.2.1',
      userAgent: null,
    },
  ]);
});

test('guest, scopes and user agent come from the context of the authorizer; an event without it is refused', () => {
  const authorizer = { userId: 'u', username: 'n', scope: 'a  b', guestSessionId: 's', invite: 'i', userAgent: 'B/1' };
  expect(callerOf(messageEvent('', { authorizer }))).toMatchObject({
    scopes: ['a', 'b'],
    guest: { sessionId: 's', invite: 'i' },
    userAgent: 'B/1',
  });
  expect(() => callerOf(messageEvent('', { authorizer: {} }))).toThrow('no authorizer context');
});
