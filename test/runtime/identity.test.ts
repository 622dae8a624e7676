import { v5 as uuidv5 } from 'uuid';
import { displayName, identityOf, userIdOf } from '../../lambdas/runtime/identity.ts';

test('a subject that is a UUID is the user id, in lower case', () => {
  expect(userIdOf('https://a.example', '0190F1E2-6D0A-7C3B-8F4D-1A2B3C4D5E6F')).toBe(
    '0190f1e2-6d0a-7c3b-8f4d-1a2b3c4d5e6f',
  );
});

test('any other subject becomes the UUIDv5 of issuer and subject, always the same', () => {
  const id = userIdOf('https://a.example', 'alice');
  expect(id).toBe(uuidv5('alice', uuidv5('https://a.example', '6ba7b811-9dad-11d1-80b4-00c04fd430c8')));
  expect(id).not.toBe(userIdOf('https://b.example', 'alice'));
  expect(id).not.toBe(userIdOf('https://a.example', 'alicE'));
});

test('a name can be shown and stored: no control characters, not too long, whole characters', () => {
  expect(displayName('  Ada\u0000\n\u001b ')).toBe('Ada');
  expect(displayName('x'.repeat(500))).toHaveLength(200);
  expect(displayName(`${'x'.repeat(199)}😀`).isWellFormed()).toBe(true);
});

test('who has no name is called by their subject', () => {
  const claims = { sub: 'alice', iss: 'https://a.example' };
  expect(identityOf(claims)).toMatchObject({ username: 'alice', externalId: 'alice', scope: '' });
  expect(identityOf({ ...claims, name: ' ' })).toMatchObject({ username: 'alice' });
  expect(identityOf({ ...claims, name: 5, scope: ['a'] } as never)).toMatchObject({ username: 'alice', scope: '' });
});

test.each([{}, { sub: 5 }, { sub: '' }, { sub: 'a' }, { sub: 'x'.repeat(256), iss: 'i' }])(
  'claims %j stand for nobody',
  (claims) => {
    expect(identityOf(claims as never)).toBeUndefined();
  },
);
