import { changedAssembly, propertiesOf } from './fixtures/assembly.ts';
import { type FixtureStack, startFixtureStack } from './fixtures/fixture-stack.ts';
import { SocketClient } from './fixtures/socket-client.ts';

let stack: FixtureStack;
let client: SocketClient;

beforeAll(async () => {
  stack = await startFixtureStack();
});
afterAll(() => stack.close());
beforeEach(async () => {
  client = await SocketClient.open(`${stack.websocket}?token=ada`);
});
afterEach(() => client.socket.terminate());

test.each([
  ['a type with a route', '{"type":"echo"}', 'echo'],
  ['an unknown type', '{"type":"dance"}', '$default'],
  ['no type', '{"hello":"there"}', '$default'],
  ['a type that is no text', '{"type":7}', '$default'],
  ['the name of a route that only the gateway calls', '{"type":"$connect"}', '$default'],
  ['bad JSON', '{"type":"echo"', '$default'],
  ['JSON that is no object', 'null', '$default'],
])('a message with %s is sent to its route', async (_, message, route) => {
  const event = await client.ask(message);
  expect(event.requestContext.routeKey).toBe(route);
  expect(event.body).toBe(message);
});

test('a message arrives as the event that API Gateway sends', async () => {
  const before = Date.now();
  const event = await client.ask({ type: 'echo' });
  expect(event).toEqual({
    requestContext: {
      routeKey: 'echo',
      authorizer: expect.objectContaining({ principalId: 'ada' }),
      messageId: expect.stringMatching(/=$/),
      eventType: 'MESSAGE',
      extendedRequestId: expect.any(String),
      requestTime: expect.stringMatching(/^\d\d\/[A-Z][a-z]{2}\/\d{4}:\d\d:\d\d:\d\d \+0000$/),
      messageDirection: 'IN',
      stage: 'live',
      connectedAt: expect.any(Number),
      requestTimeEpoch: expect.any(Number),
      identity: { sourceIp: '127.0.0.1' },
      requestId: event.requestContext.extendedRequestId,
      domainName: stack.http.replace('http://', ''),
      connectionId: expect.stringMatching(/=$/),
      apiId: expect.stringMatching(/^[a-z0-9]{10}$/),
    },
    body: '{"type":"echo"}',
    isBase64Encoded: false,
  });
  expect(event.requestContext.requestTimeEpoch).toBeGreaterThanOrEqual(before);
  expect(event.requestContext.connectedAt).toBeLessThanOrEqual(event.requestContext.requestTimeEpoch);
});

test('the answer is sent to the client only if the route has a route response', async () => {
  client.send({ type: 'silent' });
  client.send({ type: 'echo', wish: 'nothing' });
  const answer = await client.ask({ type: 'echo', last: true });
  expect(JSON.parse(answer.body)).toMatchObject({ last: true });
  expect(client.received).toHaveLength(1);
});

test.each([
  ['throws', { type: 'echo', wish: 'crash' }],
  ['throws on a route without a route response', { type: 'silent', wish: 'crash' }],
  ['ends its process', { type: 'echo', wish: 'exit' }],
  ['answers with a status that is not 2xx', { type: 'echo', wish: 'status' }],
  ['answers something that is no proxy answer', { type: 'echo', wish: 'shapeless' }],
  ['takes longer than its timeout', { type: 'one', wish: 'spin' }],
])('a function that %s gives the caller an Internal server error', async (_, message) => {
  const answer = await client.ask(message);
  expect(answer).toEqual({
    message: 'Internal server error',
    connectionId: expect.stringMatching(/=$/),
    requestId: expect.stringMatching(/=$/),
  });
  expect((await client.ask({ type: 'echo' })).requestContext.connectionId).toBe(answer.connectionId);
});

test('a handler that throws causes one log line with its message', async () => {
  await client.ask({ type: 'echo', wish: 'crash' });
  const lines = stack.lines.filter((line) => line.includes('a bug in echo'));
  expect(lines.at(-1)).toMatch(
    /ERROR echo {2}echo failed: Error: a bug in echo at .*echo\.mjs:\d+:\d+\)? \([\w-]{36}\)$/,
  );
});

test('messages of one connection are handled concurrently', async () => {
  client.send({ type: 'one', wish: 'sleep', millis: 500 });
  client.send({ type: 'one', wish: '' });
  const first = await client.message(0);
  expect(first.remaining).toBeGreaterThan(0);
  const second = await client.message(1);
  expect([first.served, second.served]).toEqual([1, expect.any(Number)]);
});

test('an integration ends at its own time-out', async () => {
  const assembly = await changedAssembly((template) => {
    const route = propertiesOf(template, 'AWS::ApiGatewayV2::Route', (p) => p['RouteKey'] === 'one');
    const [, target] = (route['Target'] as { 'Fn::Join': [string, [string, { Ref: string }]] })['Fn::Join'][1];
    const integration = template.Resources[target.Ref]!;
    integration.Properties = { ...integration.Properties, TimeoutInMillis: 50 };
  });
  const hasty = await startFixtureStack({ assemblyDirectory: assembly.directory });
  const caller = await SocketClient.open(`${hasty.websocket}?token=ada`);
  expect(await caller.ask({ type: 'one', wish: 'sleep', millis: 900 })).toMatchObject({
    message: 'Endpoint request timed out',
  });
  await hasty.close();
  await assembly.remove();
});

test('without a $default route an unknown type is Forbidden', async () => {
  const assembly = await changedAssembly((template) => {
    const fallback = Object.entries(template.Resources).find(
      ([, { Properties }]) => Properties?.['RouteKey'] === '$default',
    );
    delete template.Resources[fallback![0]];
    const response = Object.entries(template.Resources).find(
      ([, { Properties }]) => (Properties?.['RouteId'] as { Ref?: string } | undefined)?.Ref === fallback![0],
    );
    delete template.Resources[response![0]];
  });
  const strict = await startFixtureStack({ assemblyDirectory: assembly.directory });
  const caller = await SocketClient.open(`${strict.websocket}?token=ada`);
  expect(await caller.ask({ type: 'dance' })).toMatchObject({ message: 'Forbidden', connectionId: expect.any(String) });
  await strict.close();
  await assembly.remove();
});
