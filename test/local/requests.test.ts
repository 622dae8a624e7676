import { connect } from 'node:net';
import { type FixtureStack, startFixtureStack } from './fixtures/fixture-stack.ts';

/** Unusual requests, written byte by byte. */

let stack: FixtureStack;
beforeAll(async () => {
  stack = await startFixtureStack({ pages: true });
});
afterAll(() => stack.close());

/** Sends the lines of a request and reads the answer until its headers are complete or the connection ends. */
function send(...lines: string[]): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect(Number(new URL(stack.http).port), '127.0.0.1');
    let answer = '';
    const done = () => {
      socket.destroy();
      resolve(answer);
    };
    socket.on('data', (chunk) => {
      answer += chunk.toString();
      if (answer.includes('\r\n\r\n')) done();
    });
    socket.on('end', done);
    socket.on('error', reject);
    socket.write(`${lines.join('\r\n')}\r\nHost: 127.0.0.1\r\n\r\n`);
  });
}

const statusOf = (answer: string) => Number(/^HTTP\/1\.1 (\d+)/.exec(answer)?.[1]);
const handshake = [
  'Connection: Upgrade',
  'Upgrade: websocket',
  'Sec-WebSocket-Version: 13',
  'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==',
];

test.each(['/', '/dev/token?user=ada', '/.well-known/jwks.json', '/things/1'])(
  'a client that offers h2c gets %s by HTTP/1.1',
  async (path) => {
    const plain = await send(`GET ${path} HTTP/1.1`);
    const offering = ['Connection: Upgrade, HTTP2-Settings', 'Upgrade: h2c', 'HTTP2-Settings: AAMAAABk'];
    const upgraded = await send(`GET ${path} HTTP/1.1`, ...offering);
    expect(statusOf(upgraded)).toBe(statusOf(plain));
    expect(statusOf(upgraded)).not.toBe(403);
  },
);

describe('several lines of subprotocols', () => {
  const offered = (answer: string) => /sec-websocket-protocol: (.*)\r/i.exec(answer)?.[1];

  test.each([
    ['one line', ['Sec-WebSocket-Protocol: rollcall.v1, bearer.ada']],
    ['two lines', ['Sec-WebSocket-Protocol: rollcall.v1', 'Sec-WebSocket-Protocol: bearer.ada']],
    ['two spellings', ['Sec-WebSocket-Protocol: rollcall.v1', 'sec-websocket-protocol: bearer.ada']],
  ])('equal one line: %s', async (_, lines) => {
    const before = stack.recorder.of('$connect').length;
    const answer = await send('GET /live?token=ada HTTP/1.1', ...handshake, ...lines);
    expect(statusOf(answer)).toBe(101);
    expect(offered(answer)).toBe('rollcall.v1');
    const { headers, multiValueHeaders } = await stack.recorder.next('$connect', before + 1);
    const names = Object.keys(headers).filter((name) => name.toLowerCase() === 'sec-websocket-protocol');
    expect(names).toHaveLength(1);
    expect(headers[names[0]!]).toBe('rollcall.v1, bearer.ada');
    expect(multiValueHeaders[names[0]!]).toEqual([headers[names[0]!]]);
  });
});

describe('all gateways parse a path in the same way', () => {
  test.each([
    ['//sessions', 404],
    ['//dev/token?user=ada', 404],
    ['//', 404],
    ['//:x', 404],
    ['http://elsewhere//', 404],
    ['http://elsewhere/dev/token?user=ada', 200],
    ['/', 200],
  ])('%s: %d', async (path, status) => {
    expect(statusOf(await send(`GET ${path} HTTP/1.1`))).toBe(status);
  });

  test.each(['//', '//:x', '//live?token=ada'])(
    'a handshake at %s is refused, and the stack continues',
    async (path) => {
      expect(statusOf(await send(`GET ${path} HTTP/1.1`, ...handshake))).toBe(403);
      expect(statusOf(await send('GET / HTTP/1.1'))).toBe(200);
    },
  );
});
