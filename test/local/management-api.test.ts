import {
  ApiGatewayManagementApiClient,
  DeleteConnectionCommand,
  GetConnectionCommand,
  GoneException,
  PayloadTooLargeException,
  PostToConnectionCommand,
} from '@aws-sdk/client-apigatewaymanagementapi';
import { type FixtureStack, startFixtureStack } from './fixtures/fixture-stack.ts';
import { SocketClient } from './fixtures/socket-client.ts';

let stack: FixtureStack;
let official: ApiGatewayManagementApiClient;

beforeAll(async () => {
  stack = await startFixtureStack();
  official = new ApiGatewayManagementApiClient({
    endpoint: stack.management,
    region: 'eu-west-1',
    credentials: { accessKeyId: 'developer', secretAccessKey: 'anything' },
    maxAttempts: 1,
  });
});
afterAll(async () => {
  official.destroy();
  await stack.close();
});

const never = 'AAAAAAAAAAAAAAA=';
const post = (ConnectionId: string, Data: string | Uint8Array) =>
  official.send(new PostToConnectionCommand({ ConnectionId, Data: Buffer.from(Data) }));

async function connected(): Promise<[client: SocketClient, id: string]> {
  const client = await SocketClient.open(`${stack.websocket}?token=ada`, [], { 'User-Agent': 'tester' });
  return [client, await client.id()];
}

test('the official client posts a text frame', async () => {
  const [client, id] = await connected();
  let binary: boolean | undefined;
  client.socket.once('message', (_, isBinary) => {
    binary = isBinary;
  });
  const { $metadata } = await post(id, '{"hello":"größer"}');
  expect($metadata.httpStatusCode).toBe(200);
  expect(await client.message(1)).toEqual({ hello: 'größer' });
  expect(binary).toBe(false);
});

test('posts arrive in the order of their answers', async () => {
  const [client, id] = await connected();
  for (let index = 0; index < 20; index += 1) await post(id, JSON.stringify(index));
  await client.message(20);
  expect(client.received.slice(1).map(Number)).toEqual([...Array(20).keys()]);
});

test('the official client reads the time and the source address of a connection', async () => {
  const before = Date.now();
  const [client, id] = await connected();
  const found = await official.send(new GetConnectionCommand({ ConnectionId: id }));
  expect(found.Identity).toEqual({ SourceIp: '127.0.0.1', UserAgent: 'tester' });
  expect(found.ConnectedAt?.getTime()).toBeGreaterThanOrEqual(before);
  expect(found.LastActiveAt?.getTime()).toBeGreaterThanOrEqual(found.ConnectedAt!.getTime());
  client.socket.close();
});

test('the official client closes a connection: 204, close code 1000, one $disconnect', async () => {
  const [client, id] = await connected();
  const closed = client.closed();
  const { $metadata } = await official.send(new DeleteConnectionCommand({ ConnectionId: id }));
  expect($metadata.httpStatusCode).toBe(204);
  expect((await closed).code).toBe(1000);
  const event = await stack.recorder.next('$disconnect', 1, id);
  expect(event.requestContext).toMatchObject({
    disconnectStatusCode: 1000,
    disconnectReason: 'Connection Closed Normally',
  });
});

test('all commands answer Gone for an unknown or closed connection', async () => {
  const [client, id] = await connected();
  client.socket.close();
  await stack.recorder.next('$disconnect', 1, id);
  for (const ConnectionId of [never, id]) {
    await expect(post(ConnectionId, 'x')).rejects.toBeInstanceOf(GoneException);
    await expect(official.send(new GetConnectionCommand({ ConnectionId }))).rejects.toBeInstanceOf(GoneException);
    await expect(official.send(new DeleteConnectionCommand({ ConnectionId }))).rejects.toBeInstanceOf(GoneException);
  }
});

test('an invalid connection id is a bad request', async () => {
  for (const id of ['short', 'not an id!', 'AAAAAAAAAAAAAAAA/../', '%']) {
    await expect(post(id, 'x')).rejects.toMatchObject({
      name: 'BadRequestException',
      $metadata: { httpStatusCode: 400 },
    });
  }
});

test('128 KB are posted in frames of 32 KB; one byte more is too large', async () => {
  const [client, id] = await connected();
  await post(id, JSON.stringify('x'.repeat(128 * 1024 - 2)));
  expect(await client.message(1)).toHaveLength(128 * 1024 - 2);
  await expect(post(id, 'x'.repeat(128 * 1024 + 1))).rejects.toBeInstanceOf(PayloadTooLargeException);
  await post(id, '"still there"');
  expect(await client.message(2)).toBe('still there');
});

test('nothing can be posted before $connect has succeeded', async () => {
  const others = stack.recorder.of('authorizer').length;
  const release = stack.recorder.hold();
  const opening = SocketClient.open(`${stack.websocket}?token=early`);
  const id = (await stack.recorder.next('authorizer', others + 1)).requestContext.connectionId;
  await expect(post(id, '"too early"')).rejects.toBeInstanceOf(GoneException);
  release();
  const client = await opening;
  await post(id, '"now"');
  expect(await client.message(0)).toBe('now');
});

test('an unsigned request is refused, as of a page in a browser', async () => {
  const [, id] = await connected();
  const response = await fetch(`${stack.management}/@connections/${encodeURIComponent(id)}`, {
    method: 'POST',
    body: '"unsigned"',
  });
  expect(response.status).toBe(403);
  expect(await response.json()).toMatchObject({ message: 'Missing Authentication Token' });
});

test('an unknown method is Forbidden', async () => {
  const [, id] = await connected();
  const response = await fetch(`${stack.management}/@connections/${encodeURIComponent(id)}`, {
    method: 'PUT',
    headers: { authorization: 'AWS4-HMAC-SHA256 Credential=developer/20260101/eu-west-1/execute-api/aws4_request' },
  });
  expect(response.status).toBe(403);
});
