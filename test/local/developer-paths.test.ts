import { mkdtemp, rm } from 'node:fs/promises';
import { request } from 'node:http';
import { networkInterfaces, tmpdir } from 'node:os';
import { join } from 'node:path';
import { createRemoteJWKSet, jwtVerify } from 'jose';
import { v5 as uuidv5 } from 'uuid';
import { type FixtureStack, startFixtureStack } from './fixtures/fixture-stack.ts';

let stack: FixtureStack;

beforeAll(async () => {
  stack = await startFixtureStack();
});
afterAll(() => stack.close());

interface TokenAnswer {
  token: string;
  userId: string;
  expiresIn: number;
}

async function token(query: string): Promise<TokenAnswer> {
  return (await fetch(`${stack.http}/dev/token?${query}`)).json() as Promise<TokenAnswer>;
}

const keys = () => createRemoteJWKSet(new URL(`${stack.http}/.well-known/jwks.json`));

test('a token is signed with the published key, for the issuer and audience of the stack', async () => {
  const { token: signed, expiresIn } = await token('user=alice&name=Alice');
  const { payload, protectedHeader } = await jwtVerify(signed, keys());
  expect(protectedHeader).toMatchObject({ alg: 'RS256', kid: expect.any(String) });
  expect(payload).toMatchObject({ sub: 'alice', name: 'Alice', iss: 'http://localhost/rollcall', aud: 'rollcall' });
  expect(payload.exp! - payload.iat!).toBe(expiresIn);
  expect(payload).not.toHaveProperty('scope');
  expect((await jwtVerify((await token('user=a&admin=1')).token, keys())).payload).toMatchObject({
    scope: 'rollcall/admin',
  });
});

test('with sessions a token has the access claim, under the name that the stack expects', async () => {
  const sessions = { 'doc-42': 'operator', 'team-7/*': 'viewer' };
  const query = new URLSearchParams({ user: 'alice', sessions: JSON.stringify(sessions) });
  const claimed = (await jwtVerify((await token(String(query))).token, keys())).payload;
  expect(claimed['rollcall']).toEqual({ sessions });
  expect((await jwtVerify((await token('user=alice')).token, keys())).payload).not.toHaveProperty('rollcall');
  const other = await startFixtureStack({ environment: { JWT_ACCESS_CLAIM: 'https://example.org/access' } });
  const answer = (await (await fetch(`${other.http}/dev/token?${query}`)).json()) as TokenAnswer;
  const named = createRemoteJWKSet(new URL(`${other.http}/.well-known/jwks.json`));
  expect((await jwtVerify(answer.token, named)).payload).toMatchObject({ 'https://example.org/access': { sessions } });
  await other.close();
});

test.each(['nonsense', '[]', '"doc-42"', '{"doc-42":"owner"}', '{"":"viewer"}', ''])(
  'sessions=%s is refused with a hint',
  async (sessions) => {
    const response = await fetch(`${stack.http}/dev/token?${new URLSearchParams({ user: 'alice', sessions })}`);
    const { message } = (await response.json()) as { message: string };
    expect([response.status, message]).toEqual([
      400,
      expect.stringMatching(/^The parameter "sessions" .*; write &sessions=/),
    ]);
  },
);

test.each([
  ['http://localhost:5173', true],
  ['http://127.0.0.1:3000', true],
  ['https://[::1]:8443', true],
  ['http://localhost', true],
  ['http://localhost.example:5173', false],
  ['https://example.org', false],
  ['null', false],
])('a page of %s may read a token: %s', async (origin, may) => {
  for (const query of ['user=alice', '']) {
    const response = await fetch(`${stack.http}/dev/token?${query}`, { headers: { origin } });
    expect(response.headers.get('access-control-allow-origin')).toBe(may ? origin : null);
    expect(response.headers.get('vary')).toBe('Origin');
  }
  const faults = await fetch(`${stack.http}/dev/faults`, { headers: { origin } });
  expect(faults.headers.get('access-control-allow-origin')).toBeNull();
});

test('a user id is the UUID itself in lower case, or is derived from issuer and subject', async () => {
  const uuid = '0190F1E2-6D0A-7C3B-8F4D-1A2B3C4D5E6F';
  expect((await token(`user=${uuid}`)).userId).toBe(uuid.toLowerCase());
  expect((await token('user=alice')).userId).toBe(uuidv5('alice', uuidv5('http://localhost/rollcall', uuidv5.URL)));
});

test('the key survives a restart, so that tokens stay valid', async () => {
  const dataDirectory = await mkdtemp(join(tmpdir(), 'rollcall-restart-'));
  const first = await startFixtureStack({ dataDirectory });
  const answer = await fetch(`${first.http}/dev/token?user=alice`);
  const { token: signed } = (await answer.json()) as TokenAnswer;
  await first.close();
  const again = await startFixtureStack({ dataDirectory });
  const restarted = createRemoteJWKSet(new URL(`${again.http}/.well-known/jwks.json`));
  await expect(jwtVerify(signed, restarted)).resolves.toBeDefined();
  await again.close();
  await rm(dataDirectory, { recursive: true });
});

test('without a user name the answer is a hint', async () => {
  const response = await fetch(`${stack.http}/dev/token`);
  expect(response.status).toBe(400);
  expect(await response.json()).toEqual({ message: 'The user is missing; write /dev/token?user=alice&name=Alice' });
});

test.each(['/dev/token?user=alice', '/.well-known/jwks.json', '/dev/faults'])(
  '%s answers only to names of this machine',
  async (path) => {
    const status = (host: string) =>
      new Promise((resolve) => {
        request(`${stack.http}${path}`, { headers: { host } }, (response) => {
          response.resume();
          resolve(response.statusCode);
        }).end();
      });
    const { port } = new URL(stack.http);
    expect(await status(`evil.example:${port}`)).toBe(403);
    expect(await status('127.0.0.1.evil.example')).toBe(403);
    for (const host of [`127.0.0.1:${port}`, `localhost:${port}`, `[::1]:${port}`])
      expect(await status(host)).toBe(200);
  },
);

test('the stack listens on the loopback interface only', async () => {
  const { port } = new URL(stack.http);
  const outside = Object.values(networkInterfaces())
    .flat()
    .find((address) => address?.family === 'IPv4' && !address.internal);
  const host = outside?.address ?? '127.0.0.2';
  await expect(fetch(`http://${host}:${port}/health`)).rejects.toMatchObject({ cause: { code: 'ECONNREFUSED' } });
});
