import type { APIGatewayProxyEventV2, APIGatewayRequestAuthorizerEvent } from 'aws-lambda';
import { decodeJwt, generateKeyPair, type JWTPayload } from 'jose';
import { httpRoute } from '../../lambdas/adapters/http/http-route.ts';
import { userIdOf } from '../../lambdas/adapters/identity.ts';
import { readInvite, signInvite } from '../../lambdas/sessions/invites.ts';
import { JwtAuthorizer } from '../../local/http/jwt-authorizer.ts';
import type { IdentityProvider } from '../../local/identity/identity-provider.ts';
import { audience, issuer, TestIdentityProvider } from '../adapters/identity-provider.ts';
import { testServices } from '../support/test-services.ts';

/**
 * Tokens that nobody may use, at both doors: the handshake of the WebSocket API, and the JWT authorizer of the HTTP API. A refused
 * handshake makes no connection, so no message can be sent with such a token.
 */

const provider = new TestIdentityProvider();
let authorize: (event: APIGatewayRequestAuthorizerEvent) => Promise<{ policyDocument: unknown; context?: unknown }>;

beforeAll(async () => {
  Object.assign(process.env, {
    ...{ JWKS_URI: await provider.open(), JWT_ISSUER: issuer, JWT_AUDIENCE: audience },
    ...{ LOG_LEVEL: 'SILENT', AWS_REGION: 'us-east-1', INVITE_SECRET_ARN: 'arn' },
  });
  ({ handler: authorize } = await import('../../lambdas/handlers/authorizer.ts'));
});
afterAll(() => provider.close());

const now = () => Math.floor(Date.now() / 1000);

/** The effect of the handshake and the status of the HTTP API. */
async function atBothDoors(token: string) {
  const answer = await authorize({
    methodArn: 'arn:aws:execute-api:us-east-1:1:api/live/$connect',
    headers: { 'Sec-WebSocket-Protocol': `rollcall.v1, bearer.${token}` },
  } as unknown as APIGatewayRequestAuthorizerEvent);
  const publicKeys = await (await fetch(process.env['JWKS_URI']!)).json();
  const http = new JwtAuthorizer({ issuer, audience: [audience] }, { publicKeys } as IdentityProvider);
  return {
    handshake: /"Effect":"(\w+)"/.exec(JSON.stringify(answer.policyDocument))![1],
    knows: answer.context !== undefined,
    http: (await http.check(`Bearer ${token}`, [])).status,
  };
}

/** The answer of a route of the HTTP API to a token that the JWT authorizer accepted. */
async function behindAuthorizer(token: string) {
  const who = httpRoute({ 'GET /who': async ({ userId }) => ({ body: userId }) }, [], testServices());
  const authorizer = { jwt: { claims: { sub: decodeJwt(token).sub, iss: issuer } } };
  const headers = { authorization: `Bearer ${token}` };
  return who({ routeKey: 'GET /who', headers, requestContext: { authorizer } } as unknown as APIGatewayProxyEventV2);
}

const encoded = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url');
const claims = (): JWTPayload => ({ sub: 'alice', iss: issuer, aud: audience, exp: now() + 300 });
const inviteKey = new TextEncoder().encode('a secret of the tests with 32 bytes or more');

const refused: [what: string, token: () => Promise<string>][] = [
  ['has expired', () => provider.sign({ expires: now() - 3600 })],
  ['is unsigned (alg none)', async () => `${encoded({ alg: 'none' })}.${encoded(claims())}.`],
  ['is unsigned (alg None)', async () => `${encoded({ alg: 'None', kid: 'key-1' })}.${encoded(claims())}.`],
  [
    'is signed with the public key as an HMAC secret',
    async () => provider.sign({ alg: 'HS256', key: await provider.publicText() }),
  ],
  ['is signed with another key', async () => provider.sign({ key: (await generateKeyPair('RS256')).privateKey })],
  ['is for another audience', () => provider.sign({ audience: 'another-application' })],
  ['is of another issuer', () => provider.sign({ issuer: 'https://evil.example' })],
  [
    'has claims that were changed after it was signed',
    async () => {
      const [header, , signature] = (await provider.sign()).split('.');
      return `${header}.${encoded({ ...claims(), sub: 'mallory' })}.${signature}`;
    },
  ],
  ['is an invite', () => signInvite({ inviteId: 'i', sessionId: 's', expiresAt: Date.now() + 60_000 }, [inviteKey])],
];

test.each(refused)('a token that %s opens neither door', async (_, token) => {
  expect(await atBothDoors(await token())).toEqual({ handshake: 'Deny', knows: false, http: 401 });
});

test('a token without an end opens neither door: behind the JWT authorizer the functions refuse it', async () => {
  const token = await provider.sign({ expires: null });
  expect(await atBothDoors(token)).toMatchObject({ handshake: 'Deny', knows: false });
  const refusal = { statusCode: 401, body: expect.stringContaining('"UNAUTHENTICATED"') };
  expect(await behindAuthorizer(token)).toMatchObject(refusal);
  expect(await behindAuthorizer(await provider.sign())).toMatchObject({
    statusCode: 200,
    body: userIdOf(issuer, 'alice'),
  });
});

test('a valid token opens both doors, also when it is used again', async () => {
  const token = await provider.sign();
  for (let use = 0; use < 2; use++) {
    expect(await atBothDoors(token)).toEqual({ handshake: 'Allow', knows: true, http: 200 });
  }
});

test('a token is no invite', async () => {
  expect(await readInvite(await provider.sign(), [inviteKey])).toBeUndefined();
});

test('after a rotation the new key opens both doors, and the old one opens them until it is withdrawn', async () => {
  const [old, recent] = await Promise.all([provider.sign(), provider.sign({ kid: 'key-2', signer: 'key-2' })]);
  const open = { handshake: 'Allow', knows: true, http: 200 };
  provider.published = ['key-1', 'key-2'];
  expect([await atBothDoors(old), await atBothDoors(recent)]).toEqual([open, open]);
  // A provider withdraws a key after the last token that it signed has ended. The handshake may know the key until then.
  provider.published = ['key-2'];
  expect(await atBothDoors(recent)).toEqual(open);
  expect((await atBothDoors(old)).http).toBe(401);
});
