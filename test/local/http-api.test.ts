import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { exportJWK, generateKeyPair, SignJWT } from 'jose';
import { changedAssembly } from './fixtures/assembly.ts';
import { type FixtureStack, startFixtureStack } from './fixtures/fixture-stack.ts';

// biome-ignore lint/suspicious/noExplicitAny: bodies have the shape that the test asked for
type Answer = any;

let stack: FixtureStack;

beforeAll(async () => {
  stack = await startFixtureStack();
});
afterAll(() => stack.close());

async function token(query = 'user=alice&name=Alice'): Promise<string> {
  const response = await fetch(`${stack.http}/dev/token?${query}`);
  return ((await response.json()) as { token: string }).token;
}

async function get(path: string, bearer?: string, headers: Record<string, string> = {}) {
  const all: Record<string, string> =
    bearer === undefined ? headers : { authorization: `Bearer ${bearer}`, ...headers };
  const response = await fetch(`${stack.http}${path}`, { headers: all });
  const text = await response.text();
  const body: Answer = text.startsWith('{') ? JSON.parse(text) : text;
  return { status: response.status, headers: response.headers, body };
}

test('a request arrives as an event of format 2.0', async () => {
  const { body } = await get('/health?a=1&a=2&b=%20x', undefined, { 'X-Two': 'yes', Cookie: 'c=1; d=2' });
  expect(body).toMatchObject({
    version: '2.0',
    routeKey: 'GET /health',
    rawPath: '/health',
    rawQueryString: 'a=1&a=2&b=%20x',
    queryStringParameters: { a: '1,2', b: ' x' },
    cookies: ['c=1', 'd=2'],
    headers: { 'x-two': 'yes' },
    isBase64Encoded: false,
    requestContext: {
      http: { method: 'GET', path: '/health', protocol: 'HTTP/1.1', sourceIp: '127.0.0.1' },
      stage: '$default',
      timeEpoch: expect.any(Number),
    },
  });
  expect(body).not.toHaveProperty('body');
  expect(body.requestContext).not.toHaveProperty('authorizer');
});

test('the most specific route wins, and path parameters are decoded', async () => {
  const bearer = await token();
  expect((await get('/things/a%20b', bearer)).body).toMatchObject({
    routeKey: 'GET /things/{id}',
    pathParameters: { id: 'a b' },
  });
  expect((await get('/things/special', bearer)).body.routeKey).toBe('GET /things/special');
  expect((await get('/files/a/b/c')).body).toMatchObject({ pathParameters: { path: 'a/b/c' } });
  expect(await get('/things/1/2', bearer)).toMatchObject({ status: 404, body: { message: 'Not Found' } });
  expect(await get('/nothing')).toMatchObject({ status: 404, body: { message: 'Not Found' } });
});

test('the function gets a body, text unchanged and bytes as base64', async () => {
  const send = async (body: string | Uint8Array<ArrayBuffer>, type: string) =>
    (await fetch(`${stack.http}/files/x`, { method: 'POST', body, headers: { 'content-type': type } })).json();
  expect(await send('{"a":1}', 'application/json')).toMatchObject({ body: '{"a":1}', isBase64Encoded: false });
  expect(await send(new Uint8Array([255]), 'image/png')).toMatchObject({ body: '/w==', isBase64Encoded: true });
});

test('the answer can be a plain object, bytes, a status with headers and cookies', async () => {
  expect(await get('/health?form=plain')).toMatchObject({ status: 200, body: { hello: 'there' } });
  const response = await fetch(`${stack.http}/health?form=binary`);
  expect(response.status).toBe(201);
  expect(response.headers.get('content-type')).toBe('application/octet-stream');
  expect(response.headers.getSetCookie()).toEqual(['a=1', 'b=2']);
  expect(new Uint8Array(await response.arrayBuffer())).toEqual(new Uint8Array([0, 255, 1]));
});

test('a function that fails gives a 500 without details', async () => {
  expect(await get('/health?form=crash')).toMatchObject({ status: 500, body: { message: 'Internal Server Error' } });
});

describe('a bearer token', () => {
  test('is required if the route has the authorizer', async () => {
    const refused = await get('/things/1');
    expect(refused).toMatchObject({ status: 401, body: { message: 'Unauthorized' } });
    expect(refused.headers.get('www-authenticate')).toBe('Bearer');
    expect(await get('/things/1', 'no.real.token')).toMatchObject({ status: 401 });
  });

  test('passes its claims to the function', async () => {
    const { body } = await get('/things/1', await token());
    expect(body.requestContext.authorizer.jwt).toMatchObject({ claims: { sub: 'alice', name: 'Alice' }, scopes: null });
  });

  test('needs the scope that the route asks for', async () => {
    expect(await get('/stats', await token())).toMatchObject({ status: 403, body: { message: 'Forbidden' } });
    const admin = await get('/stats', await token('user=root&admin=1'));
    expect(admin.body.requestContext.authorizer.jwt.scopes).toEqual(['rollcall/admin']);
  });

  test('with another key or another algorithm, or after its expiry, is refused', async () => {
    const { privateKey } = await generateKeyPair('RS256');
    const claims = (key: CryptoKey | Uint8Array, alg: string, expires = '1h') =>
      new SignJWT({})
        .setProtectedHeader({ alg })
        .setSubject('alice')
        .setIssuer('http://localhost/rollcall')
        .setAudience('rollcall')
        .setExpirationTime(expires)
        .sign(key);
    expect(await get('/things/1', await claims(privateKey, 'RS256'))).toMatchObject({ status: 401 });
    const secret = new TextEncoder().encode('a secret of at least thirty-two characters');
    expect(await get('/things/1', await claims(secret, 'HS256'))).toMatchObject({ status: 401 });
    const [head, body] = (await token()).split('.');
    const none = Buffer.from(JSON.stringify({ alg: 'none' })).toString('base64url');
    expect(await get('/things/1', `${none}.${body}.`)).toMatchObject({ status: 401 });
    expect(await get('/things/1', `${head}.${body}.AAAA`)).toMatchObject({ status: 401 });
  });
});

test('another identity provider is found by its discovery document, and local tokens are refused', async () => {
  const { publicKey, privateKey } = await generateKeyPair('RS256');
  const jwk = { ...(await exportJWK(publicKey)), kid: 'k', alg: 'RS256' };
  const provider: Server = createServer((request, response) => {
    const origin = `http://127.0.0.1:${(provider.address() as AddressInfo).port}`;
    const document = request.url?.includes('openid') ? { issuer: origin, jwks_uri: `${origin}/keys` } : { keys: [jwk] };
    response.setHeader('content-type', 'application/json').end(JSON.stringify(document));
  });
  await new Promise<void>((resolve) => provider.listen(0, '127.0.0.1', resolve));
  const issuer = `http://127.0.0.1:${(provider.address() as AddressInfo).port}`;
  const assembly = await changedAssembly((template) => {
    template.Parameters!['JwtIssuer']!.Default = issuer;
    template.Parameters!['JwtAudience']!.Default = 'somebody';
    template.Parameters!['JwksUri']!.Default = `${issuer}/keys`;
  });
  const foreign = await startFixtureStack({ assemblyDirectory: assembly.directory });
  const ask = async (audience: string) => {
    const signed = await new SignJWT({})
      .setProtectedHeader({ alg: 'RS256', kid: 'k' })
      .setSubject('x')
      .setIssuer(issuer)
      .setAudience(audience)
      .setExpirationTime('1h')
      .sign(privateKey);
    const headers = { authorization: `Bearer ${signed}` };
    return (await fetch(`${foreign.http}/things/1`, { headers })).status;
  };
  expect(await ask('somebody')).toBe(200);
  expect(await ask('else')).toBe(401);
  const refused = await fetch(`${foreign.http}/dev/token?user=alice`);
  expect(refused.status).toBe(404);
  expect(await refused.json()).toEqual({ message: 'JWKS_URI names another identity provider; get a token there.' });
  await foreign.close();
  await assembly.remove();
  provider.closeAllConnections();
  await new Promise((resolve) => provider.close(resolve));
});

test('pages of the origins in the template may send requests, others may not', async () => {
  const allowed = await get('/health', undefined, { Origin: 'https://app.example' });
  expect(allowed.headers.get('access-control-allow-origin')).toBe('https://app.example');
  const other = await get('/health', undefined, { Origin: 'https://evil.example' });
  expect(other.headers.get('access-control-allow-origin')).toBeNull();
  const preflight = await fetch(`${stack.http}/things/1`, {
    method: 'OPTIONS',
    headers: { Origin: 'https://app.example', 'Access-Control-Request-Method': 'GET' },
  });
  expect(preflight.status).toBe(204);
  expect(preflight.headers.get('access-control-allow-headers')).toBe('authorization');
});
