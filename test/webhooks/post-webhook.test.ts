import { execFileSync } from 'node:child_process';
import type { lookup } from 'node:dns';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer as createHttp, type RequestListener } from 'node:http';
import { createServer as createHttps } from 'node:https';
import { type AddressInfo, createServer as createTcp, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { postBatch } from '../../lambdas/webhooks/post-batch.ts';
import { type PostOptions, WebhookPoster } from '../../lambdas/webhooks/post-webhook.ts';
import { isPublicAddress } from '../../lambdas/webhooks/public-address.ts';
import { targetProblem } from '../../lambdas/webhooks/webhook-target.ts';

const folder = mkdtempSync(join(tmpdir(), 'rollcall-tls-'));
const [keyFile, certificateFile] = [join(folder, 'key.pem'), join(folder, 'cert.pem')];
const subject = ['-subj', '/CN=receiver.example', '-addext', 'subjectAltName=DNS:receiver.example'];
execFileSync(
  'openssl',
  [
    'req',
    '-x509',
    '-newkey',
    'rsa:2048',
    '-nodes',
    '-days',
    '2',
    ...subject,
    '-keyout',
    keyFile,
    '-out',
    certificateFile,
  ],
  { stdio: 'ignore' },
);
const ca = readFileSync(certificateFile, 'utf8');
const tls = { key: readFileSync(keyFile), cert: ca };
const servers: Server[] = [];
const sockets: Socket[] = [];

afterEach(async () => {
  for (const socket of sockets.splice(0)) socket.destroy();
  await Promise.all(servers.splice(0).map((server) => new Promise((resolve) => server.close(resolve))));
});
afterAll(() => rmSync(folder, { recursive: true }));

async function listen(server: Server): Promise<number> {
  servers.push(server);
  server.on('connection', (socket) => sockets.push(socket));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return (server.address() as AddressInfo).port;
}
const http = (answer: RequestListener) => listen(createHttp(answer));

/** Resolves every name to these addresses. */
const resolving = (...addresses: string[]) =>
  ((_: string, __: object, callback: (error: null, found: object[]) => void) =>
    callback(
      null,
      addresses.map((address) => ({ address, family: address.includes(':') ? 6 : 4 })),
    )) as unknown as typeof lookup;

async function post(url: string, options: Partial<PostOptions> = {}) {
  const poster = new WebhookPoster({ anyTarget: true, timeoutMillis: 5000, ...options }, 1);
  try {
    return await poster.post({ eventId: 'e', url, headers: { 'webhook-id': 'e' }, body: '{"ä":1}' });
  } finally {
    poster.close();
  }
}

test('[WH2] the body arrives byte by byte over TLS, with the headers', async () => {
  const requests: unknown[] = [];
  const port = await listen(
    createHttps(tls, (request, response) => {
      const chunks: Buffer[] = [];
      request.on('data', (chunk) => chunks.push(chunk));
      request.on('end', () => {
        requests.push([request.method, request.url, request.headers['webhook-id'], Buffer.concat(chunks).toString()]);
        response.writeHead(202).end('thank\u0000you');
      });
    }),
  );
  const attempt = await post(`https://receiver.example:${port}/in?a=1`, { ca, resolve: resolving('127.0.0.1') });
  expect(attempt).toEqual({ eventId: 'e', status: 202, response: 'thank you' });
  expect(requests).toEqual([['POST', '/in?a=1', 'e', '{"ä":1}']]);
});

test('[WH5] a certificate that is not valid for the name is refused', async () => {
  const port = await listen(createHttps(tls, (_, response) => response.end()));
  const resolve = resolving('127.0.0.1');
  expect(await post(`https://receiver.example:${port}/`, { resolve })).toEqual({ eventId: 'e', error: 'tls' });
  expect(await post(`https://other.example:${port}/`, { resolve, ca })).toEqual({ eventId: 'e', error: 'tls' });
});

test.each([
  [500, {}, { status: 500, error: 'status', response: 'no' }],
  [404, {}, { status: 404, error: 'status', response: 'no' }],
  [302, { location: 'http://127.0.0.1:1/' }, { status: 302, error: 'redirect', response: 'no' }],
  [429, { 'retry-after': '120' }, { status: 429, error: 'status', response: 'no', retryAfterMillis: 120_000 }],
  [503, { 'retry-after': 'soon' }, { status: 503, error: 'status', response: 'no' }],
])('[WH3] the answer %i is a failure, and no redirect is followed', async (status, headers, expected) => {
  let requests = 0;
  const port = await http((_, response) => {
    requests += 1;
    response.writeHead(status, headers as Record<string, string>).end('no');
  });
  expect(await post(`http://127.0.0.1:${port}/`)).toEqual({ eventId: 'e', ...expected });
  expect(requests).toBe(1);
});

test('[WH3] Retry-After may be a date', async () => {
  const port = await http((_, response) => {
    response.writeHead(503, { 'retry-after': new Date(Date.now() + 3_600_000).toUTCString() }).end();
  });
  const { retryAfterMillis } = await post(`http://127.0.0.1:${port}/`);
  expect(retryAfterMillis! / 1000).toBeGreaterThan(3500);
  expect(retryAfterMillis! / 1000).toBeLessThanOrEqual(3600);
});

test('[WH3] a receiver that sends nothing, or sends its headers slowly, times out', async () => {
  const silent = await listen(createTcp(() => {}));
  expect(await post(`http://127.0.0.1:${silent}/`, { timeoutMillis: 200 })).toEqual({ eventId: 'e', error: 'timeout' });
  const dripping = await listen(
    createTcp((socket) => {
      socket.write('HTTP/1.1 200 OK\r\n');
      const timer = setInterval(() => socket.write('x: y\r\n'), 20);
      socket.on('close', () => clearInterval(timer)).on('error', () => {});
    }),
  );
  expect(await post(`http://127.0.0.1:${dripping}/`, { timeoutMillis: 300 })).toEqual({
    eventId: 'e',
    error: 'timeout',
  });
});

test('[WH3] of an endless answer only the beginning is read and kept', async () => {
  const port = await http((_, response) => {
    response.writeHead(200);
    const timer = setInterval(() => response.write('x'.repeat(4096)), 5);
    response.on('close', () => clearInterval(timer));
  });
  const { status, response } = await post(`http://127.0.0.1:${port}/`);
  expect([status, response?.length]).toEqual([200, 300]);
});

test('[WH3] an answer whose body does not end counts by its status', async () => {
  const port = await http((_, response) => void response.writeHead(200).write('part'));
  expect(await post(`http://127.0.0.1:${port}/`)).toEqual({ eventId: 'e', status: 200, response: 'part' });
});

/** Answers each request with these bytes, whatever it is. */
const raw = (answer: (socket: Socket) => void) =>
  listen(createTcp((socket) => void socket.on('error', () => {}).once('data', () => answer(socket))));

test.each([
  ['101 with another protocol', 'HTTP/1.1 101 Switching\r\nUpgrade: x\r\nConnection: Upgrade\r\n\r\n', 'status'],
  ['no HTTP', 'hello\r\n\r\n', 'connection'],
  ['endless headers', `HTTP/1.1 200 OK\r\nx: ${'y'.repeat(200_000)}\r\n\r\n`, 'connection'],
  ['only early hints', 'HTTP/1.1 103 Early Hints\r\n\r\n', 'timeout'],
])('[WH3] the answer "%s" is a failure that ends the attempt', async (_, answer, error) => {
  const port = await raw((socket) => socket.write(answer));
  expect(await post(`http://127.0.0.1:${port}/`, { timeoutMillis: 500 })).toMatchObject({ eventId: 'e', error });
});

test('[WH3] a receiver that closes in the middle of its headers failed, and one that closes after its status did not', async () => {
  const early = await raw((socket) => socket.end('HTTP/1.1 200 OK\r\nx:'));
  expect(await post(`http://127.0.0.1:${early}/`)).toEqual({ eventId: 'e', error: 'connection' });
  const late = await raw((socket) => socket.end('HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\npart'));
  expect(await post(`http://127.0.0.1:${late}/`)).toEqual({ eventId: 'e', status: 200, response: 'part' });
});

test('[WH3] a receiver that closes its connection after each answer, without saying so, gets all events', async () => {
  const port = await raw((socket) => socket.end('HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n'));
  const requests = Array.from({ length: 50 }, (_, index) => ({
    ...{ eventId: String(index), url: `http://127.0.0.1:${port}/`, headers: {}, body: '{}' },
  }));
  const { attempts } = await postBatch({ requests }, { anyTarget: true, timeoutMillis: 5000 }, Date.now);
  expect(attempts.map(({ status, error }) => error ?? status)).toEqual(Array(50).fill(200));
});

test('[WH3] a Retry-After without end is a number that arrives', async () => {
  const port = await http((_, response) => response.writeHead(503, { 'retry-after': '9'.repeat(400) }).end());
  const { retryAfterMillis } = JSON.parse(JSON.stringify(await post(`http://127.0.0.1:${port}/`)));
  expect(retryAfterMillis).toBe(Number.MAX_SAFE_INTEGER);
});

test('[WH3] no connection and an unknown name are failures', async () => {
  const port = await listen(createTcp((socket) => socket.destroy()));
  expect(await post(`http://127.0.0.1:${port}/`)).toEqual({ eventId: 'e', error: 'connection' });
  const resolve = ((_: string, __: object, callback: (error: Error) => void) =>
    callback(Object.assign(new Error('unknown'), { code: 'ENOTFOUND' }))) as unknown as typeof lookup;
  expect(await post('http://nowhere.example/', { resolve })).toEqual({ eventId: 'e', error: 'name' });
});

test.each([
  'https://127.0.0.1/',
  'https://[::1]/',
  'https://[::ffff:127.0.0.1]/',
  'https://0x7f000001/',
  'https://2130706433/',
  'https://169.254.169.254/latest/meta-data/',
  'https://10.0.0.1/',
  'https://[fd00:ec2::254]/',
  'http://example.com/',
  'https://localhost/',
  'https://db.internal/',
])('[WH5] on AWS no request is made to %s', async (url) => {
  const resolve = (() => {
    throw new Error('No name may be resolved.');
  }) as unknown as typeof lookup;
  expect(await post(url, { anyTarget: false, resolve })).toEqual({ eventId: 'e', error: 'address' });
  expect(targetProblem(url, false)).toBeDefined();
});

test.each([[['127.0.0.1']], [['169.254.169.254']], [['10.1.2.3']], [['8.8.8.8', '192.168.0.1']], [['fe80::1']]])(
  '[WH5] on AWS no connection is made to a name that leads to %j',
  async (addresses) => {
    let connections = 0;
    const port = await listen(
      createTcp((socket) => {
        connections += 1;
        socket.destroy();
      }),
    );
    const resolve = resolving(...addresses);
    const attempt = await post(`https://receiver.example:${port}/`, { anyTarget: false, resolve, ca });
    expect(attempt).toEqual({ eventId: 'e', error: 'address' });
    expect(connections).toBe(0);
  },
);

test('[WH5] only addresses on the internet are public', () => {
  const no =
    '0.0.0.0 10.255.0.1 100.64.0.1 100.127.255.255 127.8.8.8 169.254.0.1 172.16.0.1 172.31.255.255 192.0.0.8 192.168.1.1 ' +
    '198.18.0.1 224.0.0.1 240.0.0.1 255.255.255.255 :: ::1 ::ffff:8.8.8.8 64:ff9b::808:808 100::1 2001:0:1::1 2001:db8::1 2002:a00:1::1 ' +
    'fc00::1 fd00:ec2::254 fe80::1 fe80::1%eth0 ff02::1 nonsense';
  const yes =
    '1.1.1.1 8.8.8.8 100.63.255.255 100.128.0.1 172.15.0.1 172.32.0.1 192.167.0.1 223.255.255.255 2606:4700::1111 2a00:1450::1';
  expect(no.split(' ').filter(isPublicAddress)).toEqual([]);
  expect(yes.split(' ').filter((address) => !isPublicAddress(address))).toEqual([]);
});

test.each([
  ['ftp://example.com/', 'https://'],
  ['example.com', 'must be a URL'],
  ['https://user:secret@example.com/', 'user name'],
  ['https://example.com/#part', 'fragment'],
  [`https://example.com/${'x'.repeat(2048)}`, '2048'],
])('[WH5] the address %.30s of an endpoint is refused', (url, problem) => {
  expect(targetProblem(url, true)).toContain(problem);
});

test('[WH4] requests that could not begin in time are not part of the result', async () => {
  const port = await http((_, response) => response.end());
  let now = 0;
  const requests = Array.from({ length: 30 }, (_, index) => ({
    ...{ eventId: String(index), url: `http://127.0.0.1:${port}/`, headers: {}, body: '{}' },
  }));
  const clock = () => {
    now += 1000;
    return now;
  };
  const { attempts } = await postBatch({ requests }, { anyTarget: true }, clock);
  expect(attempts.map(({ status }) => status)).toEqual(Array(14).fill(200));
});
