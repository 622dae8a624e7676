import { v5 as uuidv5 } from 'uuid';
import { identityBehindAuthorizer, identityOf, userIdOf } from '../../lambdas/adapters/identity.ts';

test('a subject that is a UUID is the user id, in lower case', () => {
  expect(userIdOf('https://a.example', '0190F1E2-6D0A-7C3B-8F4D-1A2B3C4D5E6F')).toBe(
    '0190f1e2-6d0a-7c3b-8f4d-1a2b3c4d5e6f',
  );
});

test('the user id of any other subject is the UUIDv5 of issuer and subject, the same each time', () => {
  const id = userIdOf('https://a.example', 'alice');
  expect(id).toBe(uuidv5('alice', uuidv5('https://a.example', '6ba7b811-9dad-11d1-80b4-00c04fd430c8')));
  expect(id).not.toBe(userIdOf('https://b.example', 'alice'));
  expect(id).not.toBe(userIdOf('https://a.example', 'alicE'));
});

test.each([
  ['91165781-785f-44bd-5117-08d8bb99840c', 'no variant of the RFC'],
  ['91165781-785F-F4BD-C117-08D8BB99840C', 'no version of the RFC'],
  ['ffffffff-ffff-ffff-ffff-fffffffffffe', 'nearly the greatest'],
])('a subject that is a UUID is the user id, whatever its 128 bits are: %s, %s', (sub) => {
  expect(userIdOf('https://a.example', sub)).toBe(sub.toLowerCase());
});

test.each(['\u200b', '\u202e', ' ', '\u0007'])(
  'a user whose name and subject are invisible gets a visible name: %j',
  (text) => {
    expect(identityOf({ sub: text, name: text, iss: 'i' })).toMatchObject({ username: 'Unnamed', externalId: text });
  },
);

test('the claims behind an authorizer have the original type of the subject', () => {
  const seen = (sub: unknown, claim: string, exp: unknown = 4_000_000_000) => {
    const token = ['{"alg":"none"}', JSON.stringify({ sub, exp }), ''].map((part) =>
      Buffer.from(part).toString('base64url'),
    );
    return identityBehindAuthorizer({ sub: claim, iss: 'i' }, `bearer ${token.join('.')}`)?.externalId;
  };
  expect(seen('5', '5')).toBe('5');
  for (const exp of [null, '4000000000']) expect([exp, seen('5', '5', exp)]).toEqual([exp, undefined]);
  for (const [sub, claim] of [
    [5, '5'],
    [true, 'true'],
    [['a'], '[a]'],
    [null, 'null'],
    [undefined, ''],
    ['mallory', 'alice'],
  ] as const) {
    expect([sub, seen(sub, claim)]).toEqual([sub, undefined]);
  }
  for (const header of [undefined, '', 'Bearer', 'Bearer a.b.c']) {
    expect(identityBehindAuthorizer({ sub: 'alice', iss: 'i' }, header)).toBeUndefined();
  }
});

test('the name of a user without a name is their subject', () => {
  const claims = { sub: 'alice', iss: 'https://a.example' };
  expect(identityOf(claims)).toMatchObject({ username: 'alice', externalId: 'alice', scope: '' });
  expect(identityOf({ ...claims, name: ' ' })).toMatchObject({ username: 'alice' });
  expect(identityOf({ ...claims, name: 5, scope: ['a'] } as never)).toMatchObject({ username: 'alice', scope: '' });
});

test.each([
  ...[{}, { sub: 5 }, { sub: '' }, { sub: 'a' }, { sub: 'x'.repeat(256), iss: 'i' }],
  ...[
    { sub: 'a\u0000', iss: 'i' },
    { sub: '\ud83d', iss: 'i' },
  ],
])('claims %j identify no user', (claims) => {
  expect(identityOf(claims as never)).toBeUndefined();
});
