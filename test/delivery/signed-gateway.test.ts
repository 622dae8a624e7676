import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server } from 'node:http';
import { type AddressInfo, createServer as createPlainServer, type Socket } from 'node:net';
import { ApiGatewayManagementApiClient, PostToConnectionCommand } from '@aws-sdk/client-apigatewaymanagementapi';
import { Broadcaster } from '../../lambdas/delivery/broadcaster.ts';
import { SignedGateway } from '../../lambdas/delivery/signed-gateway.ts';

const credentials = { accessKeyId: 'AKIDEXAMPLE', secretAccessKey: 'secret', sessionToken: 'session/token+1' };
const now = Date.UTC(2026, 10, 21, 4, 5, 6);
const connectionId = 'Ab+/1z9c_-=';
const frame = new TextEncoder().encode('{"type":"cursors","name":"Zoë"}');

interface Seen {
  method: string | undefined;
  url: string | undefined;
  headers: IncomingMessage['headers'];
  body: Buffer;
}

let server: Server;
let endpoint: string;
let seen: Seen[] = [];
let sockets = 0;
let respond: (url: string, socket: Socket) => number | 'hang' | 'break' = () => 200;

beforeAll(async () => {
  server = createServer(async (request, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    seen.push({ method: request.method, url: request.url, headers: request.headers, body: Buffer.concat(chunks) });
    const status = respond(request.url ?? '', request.socket);
    if (status === 'break') request.socket.destroy();
    else if (status !== 'hang') response.writeHead(status).end('{"message":"…"}');
  });
  server.on('connection', () => {
    sockets += 1;
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  endpoint = `http://127.0.0.1:${(server.address() as AddressInfo).port}/live`;
});
afterAll(() => {
  server.closeAllConnections();
  server.close();
});
beforeEach(() => {
  seen = [];
  respond = () => 200;
});

const gateway = (changes: Partial<ConstructorParameters<typeof SignedGateway>[0]> = {}) =>
  new SignedGateway({
    endpoint,
    region: 'eu-central-1',
    credentials: () => credentials,
    timeoutMillis: 300,
    clock: () => now,
    ...changes,
  });

test('a post is signed exactly as the official client signs it', async () => {
  await gateway().post(connectionId, frame);
  const official = new ApiGatewayManagementApiClient({ endpoint, region: 'eu-central-1', credentials, maxAttempts: 1 });
  official.middlewareStack.addRelativeTo(
    ((next: (parameters: object) => unknown) => async (parameters: { request?: unknown }) => {
      const headers = (parameters.request as { headers: Record<string, string> }).headers;
      // With the same signed headers and time, the signatures can be compared.
      for (const name of Object.keys(headers))
        if (/^(amz-sdk|x-amz-user-agent|user-agent|content-type)/.test(name)) delete headers[name];
      return next(parameters);
    }) as never,
    { relation: 'before', toMiddleware: 'httpSigningMiddleware', name: 'onlySignedByBoth' },
  );
  jest.useFakeTimers({ now, doNotFake: ['nextTick', 'setImmediate', 'setTimeout', 'queueMicrotask'] });
  await official.send(new PostToConnectionCommand({ ConnectionId: connectionId, Data: frame }));
  jest.useRealTimers();
  const [ours, theirs] = seen;
  expect(ours?.url).toBe(theirs?.url);
  expect(ours?.body).toEqual(theirs?.body);
  expect(ours?.headers['x-amz-date']).toBe('20261121T040506Z');
  expect(ours?.headers['x-amz-security-token']).toBe(credentials.sessionToken);
  expect(ours?.headers.authorization).toBe(theirs?.headers.authorization);
});

test.each([
  [200, 'delivered'],
  [410, 'gone'],
  [429, 'throttled'],
  [500, 'failed'],
  [503, 'failed'],
  [403, 'refused'],
  [413, 'refused'],
  ['hang', 'failed'],
  ['break', 'unanswered'],
] as const)('[DE6] an answer of %s means %s', async (status, result) => {
  respond = () => status;
  await expect(gateway().post(connectionId, frame)).resolves.toBe(result);
});

test('[DE5] posts reuse their sockets', async () => {
  const shared = gateway();
  // A socket is free only some time after its answer, so two sockets alternate.
  for (let post = 0; post < 2; post += 1) await shared.post(connectionId, frame);
  const before = sockets;
  for (let post = 0; post < 20; post += 1) await shared.post(connectionId, frame);
  expect(sockets).toBe(before);
});

test('[DE6] a cursor is posted over a new HTTP connection if the API closes the idle one at the moment of its use', async () => {
  const broadcaster = new Broadcaster(gateway());
  const used = new Set<Socket>();
  // The server closes all idle connections instead of answering a second request on one of them.
  respond = (_, socket) => {
    if (!used.has(socket)) {
      used.add(socket);
      return 200;
    }
    for (const each of used) each.destroy();
    used.clear();
    return 'break';
  };
  for (let post = 0; post < 4; post += 1) {
    const { delivered } = await broadcaster.post([{ connectionId, bytes: frame }], { kind: 'cursor' });
    expect(delivered).toBe(1);
  }
  expect(seen.length).toBeGreaterThan(4);
});

test('credentials are read for each post, because they rotate', async () => {
  let key = 'FIRST';
  const rotating = gateway({ credentials: () => ({ accessKeyId: key, secretAccessKey: 'secret' }) });
  await rotating.post(connectionId, frame);
  key = 'SECOND';
  await rotating.post(connectionId, frame);
  expect(seen.map((one) => one.headers.authorization?.match(/Credential=(\w+)/)?.[1])).toEqual(['FIRST', 'SECOND']);
  expect(seen[1]?.headers['x-amz-security-token']).toBeUndefined();
});

test('a post of 200 bytes has less than 1.8 KB on the wire, as the computed prices assume', async () => {
  const received: Buffer[] = [];
  const open: Socket[] = [];
  const counting = createPlainServer((socket) => {
    open.push(socket);
    socket.on('data', (bytes) => {
      received.push(bytes);
      if (Buffer.concat(received).includes('\r\n\r\n')) socket.write('HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n');
    });
  }).listen(0, '127.0.0.1');
  await once(counting, 'listening');
  const endpoint = `http://127.0.0.1:${(counting.address() as AddressInfo).port}/live`;
  // Session tokens of Lambda have about 1,000 characters.
  const long = { ...credentials, sessionToken: 'x'.repeat(1_000) };
  const sender = gateway({ endpoint, credentials: () => long });
  expect(await sender.post(connectionId, new Uint8Array(200))).toBe('delivered');
  const bytes = Buffer.concat(received).length;
  for (const socket of open) socket.destroy();
  counting.close();
  expect(bytes).toBeGreaterThan(1_600);
  expect(bytes).toBeLessThan(1_800);
});
