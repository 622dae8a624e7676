import { GetSecretValueCommand, SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import type { APIGatewayRequestAuthorizerEvent } from 'aws-lambda';
import { mockClient } from 'aws-sdk-client-mock';
import { generateKeyPair } from 'jose';
import { v5 as uuidv5 } from 'uuid';
import { callerOf } from '../../lambdas/adapters/caller.ts';
import type { handler as Authorizer } from '../../lambdas/handlers/authorizer.ts';
import { withoutCredentials } from '../../lambdas/platform/environment.ts';
import { signInvite } from '../../lambdas/sessions/invites.ts';
import { tokenLeewaySeconds } from '../../protocol/timings.ts';
import { audience, issuer, TestIdentityProvider } from '../adapters/identity-provider.ts';

const provider = new TestIdentityProvider();
const secret = 'a secret of the tests with 32 bytes or more';
/** Returns the secret, or fails if a test wants it. */
const readSecret = jest.fn();
let authorize: typeof Authorizer;

beforeAll(async () => {
  process.env['JWKS_URI'] = await provider.open();
  process.env['JWT_ISSUER'] = issuer;
  process.env['JWT_AUDIENCE'] = audience;
  process.env['INVITE_SECRET_ARN'] = 'arn:invites';
  process.env['AWS_REGION'] = 'us-east-1';
  process.env['LOG_LEVEL'] = 'SILENT';
  mockClient(SecretsManagerClient).on(GetSecretValueCommand).callsFake(readSecret);
});
beforeEach(async () => {
  provider.status = 200;
  provider.published = ['key-1'];
  readSecret.mockReset().mockResolvedValue({ SecretString: secret });
  // The module caches the keys of the provider, so each test has its own module.
  await jest.isolateModulesAsync(async () => {
    ({ handler: authorize } = await import('../../lambdas/handlers/authorizer.ts'));
  });
});
afterAll(() => provider.close());

const methodArn = 'arn:aws:execute-api:us-east-1:1:api/live/$connect';

function handshake(parts: { headers?: Record<string, string>; query?: Record<string, string> }) {
  return {
    methodArn,
    headers: parts.headers ?? {},
    queryStringParameters: parts.query ?? null,
  } as unknown as APIGatewayRequestAuthorizerEvent;
}

async function admit(token: string, headers: Record<string, string> = {}) {
  const answer = await authorize(
    handshake({ headers: { ...headers, 'Sec-WebSocket-Protocol': `rollcall.v1, bearer.${token}` } }),
  );
  return { effect: answer.policyDocument.Statement[0]!.Effect, context: answer.context, answer };
}

test('a valid token in a header or in the query is accepted, and its claims are in the context for later events', async () => {
  const token = await provider.sign({ claims: { sub: 'alice', name: 'Alice', scope: 'a rollcall/admin' } });
  const { effect, context, answer } = await admit(token, { 'user-AGENT': 'Browser/1' });
  expect(effect).toBe('Allow');
  expect(context).toEqual({
    userId: uuidv5('alice', uuidv5(issuer, uuidv5.URL)),
    username: 'Alice',
    externalId: 'alice',
    scope: 'a rollcall/admin',
    userAgent: 'Browser/1',
  });
  expect(answer.policyDocument.Statement[0]).toMatchObject({ Resource: methodArn });
  const byQuery = await authorize(handshake({ query: { token } }));
  expect(byQuery.context).toMatchObject({ externalId: 'alice' });
});

test('[SE12] an access claim is passed on unchanged, with the expiry of its token', async () => {
  const claim = { 'doc-42': 'operator', 'team-7/*': 'viewer' };
  const expires = now() + 60;
  const token = await provider.sign({ claims: { sub: 'alice', rollcall: { sessions: claim } }, expires });
  const { context } = await admit(token);
  const event = { requestContext: { connectionId: 'c', authorizer: context } } as never;
  expect(callerOf(event)).toMatchObject({ claim, claimUntil: (expires + tokenLeewaySeconds) * 1000 });
  for (const value of Object.values(context!)) expect(typeof value).toBe('string');
});

test('[SE12] a token is refused if its access claim is invalid or larger than API Gateway can pass on', async () => {
  const claims = { sub: 'alice', rollcall: { sessions: { 'doc-42': 'owner' } } };
  expect((await admit(await provider.sign({ claims }))).effect).toBe('Deny');
  const scope = 'x'.repeat(8 * 1024);
  expect((await admit(await provider.sign({ claims: { sub: 'alice', scope } }))).effect).toBe('Deny');
});

test('a token is read from any of several header lines, of which `headers` has only the last', async () => {
  const token = await provider.sign({ claims: { sub: 'alice' } });
  for (const lines of [
    ['rollcall.v1', `bearer.${token}`],
    [`bearer.${token}`, 'rollcall.v1'],
  ]) {
    const event = handshake({ headers: { 'Sec-WebSocket-Protocol': lines[1]! } });
    const answer = await authorize({ ...event, multiValueHeaders: { 'Sec-WebSocket-Protocol': lines } });
    expect(answer.context).toMatchObject({ externalId: 'alice' });
  }
});

test('a handshake without credentials writes the log line that the stack counts, at each log level', async () => {
  const write = jest.spyOn(process.stdout, 'write').mockImplementation(() => true);
  const info = jest.spyOn(console, 'info').mockImplementation(() => {});
  try {
    await expect(authorize(handshake({}))).rejects.toThrow();
    const lines = [...write.mock.calls, ...info.mock.calls].map(([text]) => JSON.parse(String(text)));
    expect(lines).toEqual([expect.objectContaining({ message: withoutCredentials })]);
  } finally {
    write.mockRestore();
    info.mockRestore();
  }
});

test('without credentials the answer is exactly what API Gateway turns into 401', async () => {
  await expect(authorize(handshake({}))).rejects.toThrow(/^Unauthorized$/);
  const onlyProtocol = handshake({ headers: { 'sec-websocket-protocol': 'rollcall.v1' } });
  await expect(authorize(onlyProtocol)).rejects.toThrow(/^Unauthorized$/);
});

const none = (claims: object) =>
  `${[{ alg: 'none' }, claims].map((part) => Buffer.from(JSON.stringify(part)).toString('base64url')).join('.')}.`;
const now = () => Math.floor(Date.now() / 1000);

const wrong: [what: string, token: () => Promise<string>][] = [
  ['expired', () => provider.sign({ expires: now() - 60 })],
  ['without an expiry', () => provider.sign({ expires: null })],
  ['not valid yet', () => provider.sign({ claims: { sub: 'alice', nbf: now() + 600 } })],
  ['of another issuer', () => provider.sign({ issuer: `${issuer}2` })],
  ['for another audience', () => provider.sign({ audience: 'client-2' })],
  ['without a subject', () => provider.sign({ claims: { name: 'Alice' } })],
  ['with an empty subject', () => provider.sign({ claims: { sub: '' } })],
  ['with a subject that is too long', () => provider.sign({ claims: { sub: 'x'.repeat(256) } })],
  ['of an unknown key', () => provider.sign({ kid: 'key-9' })],
  ['that is not valid for longer than the leeway', () => provider.sign({ expires: now() - tokenLeewaySeconds - 2 })],
  ['valid only after the leeway', () => provider.sign({ claims: { sub: 'a', nbf: now() + tokenLeewaySeconds + 3 } })],
  ['with a number for a subject', () => provider.sign({ claims: { sub: 5 as never } })],
  ['with a list for a subject', () => provider.sign({ claims: { sub: ['alice'] as never } })],
  ['with U+0000 in its subject', () => provider.sign({ claims: { sub: 'a\u0000' } })],
  ['with half a character in its subject', () => provider.sign({ claims: { sub: '\ud83d' } })],
  [
    'of another key with the known name',
    async () => provider.sign({ key: (await generateKeyPair('RS256')).privateKey }),
  ],
  ['without a signature', async () => none({ sub: 'alice', iss: issuer, aud: audience, exp: now() + 60 })],
  [
    'signed with the public key as a shared secret',
    async () => provider.sign({ alg: 'HS256', key: await provider.publicText() }),
  ],
  ['that is no token', async () => 'a.b.c'],
  ['whose signature was cut', async () => (await provider.sign()).split('.').slice(0, 2).join('.')],
];

test.each(wrong)('a token %s is refused', async (_, token) => {
  const { effect, context } = await admit(await token());
  expect([effect, context]).toEqual(['Deny', undefined]);
});

test.each(['key-es', 'key-ed', 'key-ps'])(
  'a token is refused if the HTTP API refuses its algorithm (%s)',
  async (kid) => {
    provider.published = ['key-1', kid];
    expect((await admit(await provider.sign({ kid, signer: kid }))).effect).toBe('Deny');
    expect((await admit(await provider.sign())).effect).toBe('Allow');
  },
);

test('an access token of Amazon Cognito, with client_id and without aud, is accepted', async () => {
  const token = (claims: object) => provider.sign({ audience: null, claims: { sub: 'alice', ...claims } });
  expect((await admit(await token({ client_id: audience, token_use: 'access' }))).effect).toBe('Allow');
  expect((await admit(await token({ client_id: 'client-2' }))).effect).toBe('Deny');
  expect((await admit(await token({}))).effect).toBe('Deny');
});

test('client_id counts only in a token without aud, as in the HTTP API', async () => {
  const foreign = await provider.sign({ audience: 'client-2', claims: { sub: 'alice', client_id: audience } });
  expect((await admit(foreign)).effect).toBe('Deny');
  const own = await provider.sign({ claims: { sub: 'alice', client_id: 'client-2' } });
  expect((await admit(own)).effect).toBe('Allow');
});

test('if the keys cannot be read, a token is neither accepted nor refused', async () => {
  provider.status = 500;
  const token = await provider.sign();
  await expect(admit(token)).rejects.toThrow();
  provider.status = 200;
  expect((await admit(token)).effect).toBe('Allow');
});

test('the keys are read once for many handshakes', async () => {
  const before = provider.requests;
  const token = await provider.sign();
  await Promise.all([admit(token), admit(token)]);
  await admit(token);
  expect(provider.requests).toBe(before + 1);
});

test('the clock of the provider may differ by a few seconds', async () => {
  for (const claims of [{ nbf: now() + tokenLeewaySeconds - 2 }, { iat: now() + tokenLeewaySeconds - 2 }]) {
    expect((await admit(await provider.sign({ claims: { sub: 'alice', ...claims } }))).effect).toBe('Allow');
  }
  expect((await admit(await provider.sign({ expires: now() - tokenLeewaySeconds + 3 }))).effect).toBe('Allow');
});

test('a token that does not name its key is verified with each key', async () => {
  provider.published = ['key-1', 'key-2'];
  for (const signer of ['key-1', 'key-2']) {
    expect((await admit(await provider.sign({ kid: null, signer }))).effect).toBe('Allow');
  }
  expect((await admit(await provider.sign({ kid: null, signer: 'key-3' }))).effect).toBe('Deny');
  const expired = await provider.sign({ kid: null, signer: 'key-2', expires: now() - 600 });
  expect((await admit(expired)).effect).toBe('Deny');
});

test('a token with a new key of the provider is accepted at once', async () => {
  expect((await admit(await provider.sign())).effect).toBe('Allow');
  provider.published = ['key-1', 'key-2'];
  const before = provider.requests;
  const tokens = await Promise.all([1, 2, 3].map(() => provider.sign({ kid: 'key-2', signer: 'key-2' })));
  const admitted = await Promise.all(tokens.map((token) => admit(token)));
  expect(admitted.map(({ effect }) => effect)).toEqual(['Allow', 'Allow', 'Allow']);
  expect(provider.requests).toBe(before + 1);
});

test('many tokens with unknown keys cause few requests to the provider', async () => {
  expect((await admit(await provider.sign())).effect).toBe('Allow');
  const before = provider.requests;
  for (let index = 0; index < 40; index++) {
    expect((await admit(await provider.sign({ kid: `unknown-${index}` }))).effect).toBe('Deny');
  }
  expect(provider.requests - before).toBeLessThanOrEqual(4);
  expect((await admit(await provider.sign())).effect).toBe('Allow');
});

describe('[SE7] a guest', () => {
  const claims = {
    inviteId: '0190f1e2-6d0a-7c3b-8f4d-1a2b3c4d5e6f',
    sessionId: '0190f1e2-6d0a-7c3b-8f4d-1a2b3c4d5e60',
    expiresAt: Date.now() + 60_000,
  };
  const keys = [new TextEncoder().encode(secret)];
  const admitGuest = async (query: Record<string, string>) => authorize(handshake({ query }));

  test('is accepted for the session of the invite, with a new id each time', async () => {
    const invite = await signInvite(claims, keys);
    const first = await admitGuest({ invite, name: 'Gustav\u0007' });
    const second = await admitGuest({ invite });
    expect(first.context).toMatchObject({ username: 'Gustav', guestSessionId: claims.sessionId, invite });
    expect(second.context).toMatchObject({ username: 'Guest' });
    expect(first.context!['userId']).not.toBe(second.context!['userId']);
  });

  test('with a guest key has the same id again', async () => {
    const invite = await signInvite(claims, keys);
    const [first, again, other] = await Promise.all(['k1', 'k1', 'k2'].map((guest) => admitGuest({ invite, guest })));
    expect(first!.context!['userId']).toBe(again!.context!['userId']);
    expect(first!.context!['userId']).not.toBe(other!.context!['userId']);
  });

  test.each([
    ['expired', () => signInvite({ ...claims, expiresAt: Date.now() - 1 }, keys)],
    ['forged', () => signInvite(claims, [new TextEncoder().encode('another secret with 32 bytes or more')])],
    ['no invite at all', async () => 'nonsense'],
    ['a token of the identity provider', () => provider.sign()],
  ])('with an invite that is %s is refused', async (_, invite) => {
    const answer = await admitGuest({ invite: await invite(), name: 'Mallory' });
    expect([answer.policyDocument.Statement[0]!.Effect, answer.context]).toEqual(['Deny', undefined]);
  });

  test('the secret is read once, and again after a failure', async () => {
    const invite = await signInvite(claims, keys);
    readSecret.mockRejectedValueOnce(new Error('away'));
    await expect(admitGuest({ invite })).rejects.toThrow('away');
    await admitGuest({ invite });
    await admitGuest({ invite });
    expect(readSecret).toHaveBeenCalledTimes(2);
  });
});

describe('[SE14] with restrictions', () => {
  const token = () => provider.sign({ claims: { sub: 'alice' } });
  const effectOf = async (event: APIGatewayRequestAuthorizerEvent) =>
    (await restricted(event)).policyDocument.Statement[0]!.Effect;
  let restricted: typeof Authorizer;

  beforeEach(async () => {
    process.env['ALLOWED_ORIGINS'] = 'https://app.example, http://localhost:3000';
    process.env['TOKENS_IN_URL'] = 'false';
    await jest.isolateModulesAsync(async () => {
      ({ handler: restricted } = await import('../../lambdas/handlers/authorizer.ts'));
    });
  });
  afterEach(() => {
    delete process.env['ALLOWED_ORIGINS'];
    delete process.env['TOKENS_IN_URL'];
  });

  test.each([
    ['https://app.example', 'Allow'],
    ['http://localhost:3000', 'Allow'],
    ['https://app.example.evil', 'Deny'],
    ['http://app.example', 'Deny'],
    ['null', 'Deny'],
    [undefined, 'Allow'],
  ])('a handshake from the origin %s gets %s', async (origin, effect) => {
    const headers = { 'Sec-WebSocket-Protocol': `rollcall.v1, bearer.${await token()}`, ...(origin ? { origin } : {}) };
    expect(await effectOf(handshake({ headers }))).toBe(effect);
  });

  test('a token in the address is refused, also beside one in the subprotocol', async () => {
    const headers = { 'Sec-WebSocket-Protocol': `rollcall.v1, bearer.${await token()}` };
    expect(await effectOf(handshake({ query: { token: await token() } }))).toBe('Deny');
    expect(await effectOf(handshake({ headers, query: { token: 'x' } }))).toBe('Deny');
  });
});

test('a handshake that cannot be decided is counted as failed, and a refused one as refused', async () => {
  let counts: Record<string, number> = {};
  let decide!: typeof Authorizer;
  await jest.isolateModulesAsync(async () => {
    const { metrics } = await import('../../lambdas/platform/metrics.ts');
    const count = (name: string) => {
      counts[name] = (counts[name] ?? 0) + 1;
    };
    jest.spyOn(metrics, 'add').mockImplementation(count);
    jest.spyOn(metrics, 'fail').mockImplementation(count);
    ({ handler: decide } = await import('../../lambdas/handlers/authorizer.ts'));
  });
  const countsOf = async (query: Record<string, string> | undefined) => {
    counts = {};
    await decide(handshake({ query: query ?? {} })).catch(() => undefined);
    return counts;
  };
  provider.status = 500;
  expect(await countsOf({ token: await provider.sign({ claims: { sub: 'alice' } }) })).toEqual({ handshakesFailed: 1 });
  provider.status = 200;
  expect(await countsOf({ token: 'no token' })).toEqual({ handshakesRefused: 1 });
  expect(await countsOf(undefined)).toEqual({ handshakesRefused: 1 });
  expect(await countsOf({ token: await provider.sign({ claims: { sub: 'alice' } }) })).toEqual({});
});
