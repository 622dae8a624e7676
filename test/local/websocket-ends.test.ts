import { type FixtureStack, startFixtureStack } from './fixtures/fixture-stack.ts';
import { SocketClient } from './fixtures/socket-client.ts';

let stack: FixtureStack;

beforeAll(async () => {
  stack = await startFixtureStack();
});
afterAll(() => stack.close());

async function connected(): Promise<[client: SocketClient, id: string]> {
  const client = await SocketClient.open(`${stack.websocket}?token=ada`);
  return [client, await client.id()];
}

test.each<[string, (client: SocketClient) => void, number, string]>([
  ['with its own code and reason', (client) => client.socket.close(4001, 'done here'), 4001, 'done here'],
  ['normally', (client) => client.socket.close(1000), 1000, ''],
  ['without a code', (client) => client.socket.close(), 1005, 'Client-side close frame status not set'],
  ['abruptly', (client) => client.socket.terminate(), 1006, ''],
])('$disconnect is delivered once when the client closes %s', async (_, close, code, reason) => {
  const [client, id] = await connected();
  close(client);
  const event = await stack.recorder.next('$disconnect', 1, id);
  expect(event).toMatchObject({
    isBase64Encoded: false,
    requestContext: {
      routeKey: '$disconnect',
      eventType: 'DISCONNECT',
      disconnectStatusCode: code,
      disconnectReason: reason,
      connectionId: id,
      authorizer: { principalId: 'ada' },
    },
  });
  expect(event).not.toHaveProperty('body');
  const [marker, markerId] = await connected();
  marker.socket.close();
  await stack.recorder.next('$disconnect', 1, markerId);
  expect(stack.recorder.of('$disconnect', id)).toHaveLength(1);
});

test('a client that closes during $connect still causes a $disconnect', async () => {
  const { connect } = await import('node:net');
  const socket = connect(Number(new URL(stack.http).port), '127.0.0.1');
  socket.write(
    'GET /live?token=hasty HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n' +
      'Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n',
  );
  const [authorized] = await Promise.all([
    waitFor(() => stack.recorder.of('authorizer').find((event) => event.queryStringParameters.token === 'hasty')),
  ]);
  socket.destroy();
  const id = authorized.requestContext.connectionId;
  const event = await stack.recorder.next('$disconnect', 1, id);
  expect(event.requestContext.disconnectStatusCode).toBe(1006);
  expect(stack.recorder.of('$connect', id)).toHaveLength(1);
});

async function waitFor<T>(find: () => T | undefined): Promise<T> {
  for (let count = stack.recorder.of('authorizer').length; ; count += 1) {
    const found = find();
    if (found !== undefined) return found;
    await stack.recorder.next('authorizer', count + 1);
  }
}

test('a client that does not answer a close frame is disconnected, and its $disconnect has the sent code', async () => {
  const brief = await startFixtureStack({ lifetimeMillis: 300 });
  const client = await SocketClient.open(`${brief.websocket}?token=ada`);
  client.socket.pause();
  const { connectionId: id } = (await brief.recorder.next('$connect')).requestContext;
  const event = await brief.recorder.next('$disconnect', 1, id);
  expect(event.requestContext).toMatchObject({ disconnectStatusCode: 1001, disconnectReason: 'Going away' });
  await brief.close();
});

test('when the stack stops, all connections are closed with 1001 and their $disconnect runs first', async () => {
  const ending = await startFixtureStack();
  const clients = await Promise.all([1, 2, 3].map(() => SocketClient.open(`${ending.websocket}?token=ada`)));
  const ids = await Promise.all(clients.map((client) => client.id()));
  const closes = Promise.all(clients.map((client) => client.closed()));
  await ending.close();
  expect(await closes).toEqual(clients.map(() => ({ code: 1001, reason: 'Going away' })));
  for (const id of ids) {
    const [event, ...others] = ending.recorder.of('$disconnect', id);
    expect(event.requestContext).toMatchObject({ disconnectStatusCode: 1001, disconnectReason: 'Going away' });
    expect(others).toEqual([]);
  }
});
