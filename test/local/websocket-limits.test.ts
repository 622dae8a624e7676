import type { Socket } from 'node:net';
import { changedAssembly, propertiesOf } from './fixtures/assembly.ts';
import { type FixtureStack, startFixtureStack } from './fixtures/fixture-stack.ts';
import { SocketClient } from './fixtures/socket-client.ts';

let stack: FixtureStack;

beforeAll(async () => {
  stack = await startFixtureStack({ environment: { LOG_LEVEL: 'DEBUG' } });
});
afterAll(() => stack.close());

const kilobytes = (count: number) => 'x'.repeat(count * 1024);
const open = () => SocketClient.open(`${stack.websocket}?token=ada`);

test('a frame of 32 KB passes; one byte more closes the connection with 1009 and reaches no function', async () => {
  const client = await open();
  expect((await client.ask(kilobytes(32))).body).toHaveLength(32 * 1024);
  const id = await client.id();
  const closed = client.closed();
  const invocations = () => stack.lines.filter((line) => / DEBUG echo {2}/.test(line)).length;
  const before = invocations();
  client.send(`${kilobytes(32)}x`);
  expect((await closed).code).toBe(1009);
  await (await open()).ask({ type: 'echo' });
  expect(invocations()).toBe(before + 1);
  const end = await stack.recorder.next('$disconnect', 1, id);
  expect(end.requestContext.disconnectStatusCode).toBe(1009);
});

test('a message of 128 KB in small frames passes; a longer one closes the connection with 1009, also for $disconnect', async () => {
  const client = await open();
  const inFrames = (message: string) => {
    for (let from = 0; from < message.length; from += 32 * 1024) {
      const last = from + 32 * 1024 >= message.length;
      client.socket.send(message.slice(from, from + 32 * 1024), { fin: last });
    }
  };
  inFrames(kilobytes(128));
  expect((await client.message(0)).body).toHaveLength(128 * 1024);
  const id = await client.id();
  const closed = client.closed();
  inFrames(`${kilobytes(128)}x`);
  expect((await closed).code).toBe(1009);
  const end = await stack.recorder.next('$disconnect', 1, id);
  expect(end.requestContext).toMatchObject({ disconnectStatusCode: 1009, disconnectReason: '' });
});

test.each<[string, number, (client: SocketClient) => void]>([
  ['text that is no UTF-8', 1007, ({ socket }) => socket.send(Buffer.from([0xff]), { binary: false })],
  // The reserved bits of a frame must be zero.
  ['an invalid frame', 1002, ({ socket }) => rawSocketOf(socket).write(Buffer.from([0xf1, 0x80, 0, 0, 0, 0]))],
])('%s closes the connection with %i, also for $disconnect', async (_, code, send) => {
  const client = await open();
  const id = await client.id();
  const closed = client.closed();
  send(client);
  expect((await closed).code).toBe(code);
  const end = await stack.recorder.next('$disconnect', 1, id);
  expect(end.requestContext).toMatchObject({ disconnectStatusCode: code, disconnectReason: '' });
});

/** The TCP socket below a WebSocket, on which a test can write what the library would refuse to send. */
function rawSocketOf(socket: SocketClient['socket']): Socket {
  return (socket as unknown as { _socket: Socket })._socket;
}

test('a binary frame closes the connection with 1003', async () => {
  const client = await open();
  const closed = client.closed();
  client.socket.send(Buffer.from([1, 2, 3]));
  expect((await closed).code).toBe(1003);
});

test('an idle connection is closed with 1001 after the idle limit, an active one is not', async () => {
  const brief = await startFixtureStack({ idleMillis: 700 });
  const silent = await SocketClient.open(`${brief.websocket}?token=ada`);
  const talking = await SocketClient.open(`${brief.websocket}?token=ada`);
  let over = false;
  const closed = silent.closed().finally(() => {
    over = true;
  });
  while (!over) await talking.ask({ type: 'one', wish: 'sleep', millis: 100 });
  expect(await closed).toEqual({ code: 1001, reason: 'Going away' });
  expect(talking.socket.readyState).toBe(talking.socket.OPEN);
  await brief.close();
});

test('a connection is closed with 1001 at the end of its lifetime, also if it is active', async () => {
  const brief = await startFixtureStack({ lifetimeMillis: 500 });
  const client = await SocketClient.open(`${brief.websocket}?token=ada`);
  expect(await client.closed()).toEqual({ code: 1001, reason: 'Going away' });
  const { connectionId: id } = (await brief.recorder.next('$connect')).requestContext;
  const end = await brief.recorder.next('$disconnect', 1, id);
  expect(end.requestContext).toMatchObject({ disconnectStatusCode: 1001, disconnectReason: 'Going away' });
  await brief.close();
});

test("above the stage's rate a message is refused with a frame and a handshake with 429", async () => {
  const assembly = await changedAssembly((template) => {
    const stage = propertiesOf(template, 'AWS::ApiGatewayV2::Stage', (p) => p['StageName'] === 'live');
    stage['DefaultRouteSettings'] = { ThrottlingRateLimit: 0.001, ThrottlingBurstLimit: 3 };
  });
  const narrow = await startFixtureStack({ assemblyDirectory: assembly.directory });
  const client = await SocketClient.open(`${narrow.websocket}?token=ada`);
  expect(await client.ask({ type: 'echo' })).toHaveProperty('requestContext');
  expect(await client.ask({ type: 'echo' })).toHaveProperty('requestContext');
  expect(await client.ask({ type: 'echo' })).toMatchObject({ message: 'Too Many Requests' });
  expect(await SocketClient.refusal(`${narrow.websocket}?token=ada`)).toMatchObject({ status: 429 });
  await narrow.close();
  await assembly.remove();
});
