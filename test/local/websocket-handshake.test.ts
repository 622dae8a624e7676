import { changedAssembly, propertiesOf } from './fixtures/assembly.ts';
import { type FixtureStack, startFixtureStack } from './fixtures/fixture-stack.ts';
import { SocketClient } from './fixtures/socket-client.ts';

let stack: FixtureStack;

beforeAll(async () => {
  stack = await startFixtureStack();
});
afterAll(() => stack.close());

const url = (query: string) => `${stack.websocket}?${query}`;

describe('a handshake is refused', () => {
  test.each([
    ['401 when the authorizer throws Unauthorized', 'token=throw', 401, 'Unauthorized'],
    ['403 when its policy denies', 'token=deny', 403, 'Forbidden'],
    ['500 when it fails in another way', 'token=crash', 500, 'Internal server error'],
    ['500 when its answer is no policy', 'token=shapeless', 500, 'Internal server error'],
    ["with $connect's own status when that is not 2xx", 'token=bob&connect=refuse', 418, 'Forbidden'],
    ['502 when $connect fails', 'token=bob&connect=crash', 502, 'Internal server error'],
    ['502 when the answer of $connect has no status', 'token=bob&connect=malformed', 502, 'Internal server error'],
  ])('%s', async (_, query, status, message) => {
    const refusal = await SocketClient.refusal(url(query));
    expect(refusal.status).toBe(status);
    expect(refusal.body).toEqual({ message, connectionId: expect.any(String), requestId: expect.any(String) });
  });

  test('with 403 at the path of another stage', async () => {
    expect(await SocketClient.refusal(stack.websocket.replace('/live', '/other'))).toMatchObject({ status: 403 });
  });

  test('and no $disconnect follows, because the connection never existed', async () => {
    const { body } = await SocketClient.refusal(url('token=bob&connect=refuse'));
    const client = await SocketClient.open(url('token=marker'));
    const id = await client.id();
    client.socket.close();
    await stack.recorder.next('$disconnect', 1, id);
    expect(stack.recorder.of('$disconnect', body.connectionId)).toEqual([]);
    expect(stack.recorder.of('$connect', body.connectionId)).toHaveLength(1);
  });

  test('with 401 and without a call of the authorizer if an identity source is missing', async () => {
    const assembly = await changedAssembly((template) => {
      const authorizer = propertiesOf(
        template,
        'AWS::ApiGatewayV2::Authorizer',
        (p) => p['AuthorizerType'] === 'REQUEST',
      );
      authorizer['IdentitySource'] = ['route.request.querystring.token', 'route.request.header.X-Who'];
    });
    const strict = await startFixtureStack({ assemblyDirectory: assembly.directory });
    try {
      const refusal = await SocketClient.refusal(`${strict.websocket}?token=bob`);
      expect(refusal).toMatchObject({ status: 401, body: { message: 'Unauthorized' } });
      expect(strict.recorder.of('authorizer')).toEqual([]);
      const client = await SocketClient.open(`${strict.websocket}?token=bob`, [], { 'x-who': 'me' });
      expect(strict.recorder.of('authorizer')).toHaveLength(1);
      client.socket.close();
    } finally {
      await strict.close();
      await assembly.remove();
    }
  });
});

test('the authorizer gets the REQUEST event of a WebSocket API', async () => {
  const client = await SocketClient.open(`${url('token=ada&a=1&a=2')}`, [], {
    'X-Custom': 'yes',
    'User-Agent': 'tester',
  });
  const id = await client.id();
  const [event] = stack.recorder.of('authorizer', id);
  expect(event).toMatchObject({
    type: 'REQUEST',
    methodArn: expect.stringMatching(/^arn:aws:execute-api:us-east-1:\d{12}:[a-z0-9]{10}\/live\/\$connect$/),
    headers: { 'X-Custom': 'yes', Upgrade: 'websocket', 'X-Forwarded-For': '127.0.0.1' },
    multiValueHeaders: { 'X-Custom': ['yes'] },
    queryStringParameters: { token: 'ada', a: '2' },
    multiValueQueryStringParameters: { a: ['1', '2'] },
    stageVariables: {},
    requestContext: {
      routeKey: '$connect',
      eventType: 'CONNECT',
      stage: 'live',
      connectionId: id,
      messageDirection: 'IN',
      identity: { sourceIp: '127.0.0.1', userAgent: 'tester' },
    },
  });
  client.socket.close();
});

test('the connection id exists before $connect and does not change; headers and query are only in $connect', async () => {
  const client = await SocketClient.open(url('token=ada'), [], { 'X-Custom': 'yes' });
  const first = await client.ask({ type: 'echo' });
  const second = await client.ask('no json at all');
  const id = first.requestContext.connectionId;
  const [connect] = stack.recorder.of('$connect', id);
  expect(id).toMatch(/^[\w-]{15}=$/);
  expect(second.requestContext.connectionId).toBe(id);
  expect(connect.headers['X-Custom']).toBe('yes');
  expect(connect.queryStringParameters).toEqual({ token: 'ada' });
  expect(connect).toMatchObject({ isBase64Encoded: false, requestContext: { eventType: 'CONNECT' } });
  expect(connect).not.toHaveProperty('body');
  for (const later of [first, second]) {
    expect(later).not.toHaveProperty('headers');
    expect(later).not.toHaveProperty('queryStringParameters');
  }
  client.socket.close();
});

test("all events of the connection contain the authorizer's context, as text", async () => {
  const client = await SocketClient.open(url('token=eve'));
  const message = await client.ask({ type: 'echo' });
  const id = message.requestContext.connectionId;
  client.socket.close();
  const disconnect = await stack.recorder.next('$disconnect', 1, id);
  const authorizer = { principalId: 'eve', userId: 'eve', level: '3', admin: 'true' };
  for (const event of [stack.recorder.of('$connect', id)[0], message, disconnect]) {
    expect(event.requestContext.authorizer).toMatchObject(authorizer);
  }
});

test('the answer of $connect chooses the subprotocol', async () => {
  const client = await SocketClient.open(url('token=ada'), ['rollcall.v1', 'bearer.xyz']);
  expect(client.socket.protocol).toBe('rollcall.v1');
  client.socket.close();
});

test('an incomplete handshake is answered 400 and reaches no function', async () => {
  const asked = () => [...stack.recorder.of('authorizer'), ...stack.recorder.of('$connect')].length;
  const before = asked();
  const response = await fetch(`${stack.http}/live`);
  expect(response.status).toBe(404);
  const { request } = await import('node:http');
  const status = await new Promise((resolve) => {
    const broken = request(`${stack.http}/live`, {
      headers: { Connection: 'Upgrade', Upgrade: 'websocket', 'Sec-WebSocket-Version': '12' },
    });
    broken.once('response', ({ statusCode }) => resolve(statusCode));
    broken.end();
  });
  expect(status).toBe(400);
  expect(asked()).toBe(before);
});
