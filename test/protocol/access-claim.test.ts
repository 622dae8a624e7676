import { type AccessClaim, claimedRole } from '../../protocol/access-claim.ts';
import { limits } from '../../protocol/limits.ts';
import { readAccessClaim } from '../../protocol/read-access-claim.ts';

const claim: AccessClaim = {
  'doc-42': 'operator',
  'team-7/*': 'viewer',
  'team-7/plans/*': 'commenter',
  'team-7/plans/secret': 'viewer',
  'literal*': 'viewer',
};

test.each([
  ['doc-42', 'operator'],
  ['doc-4', undefined],
  ['doc-421', undefined],
  ['team-7/', 'viewer'],
  ['team-7/a', 'viewer'],
  ['team-7', undefined],
  ['team-7/plans', 'viewer'],
  ['team-7/plans/a', 'commenter'],
  ['team-7/plans/secret', 'viewer'],
  ['TEAM-7/a', undefined],
  ['constructor', undefined],
  ['', undefined],
])('[SE12] the most specific entry decides about %j', (key, role) => {
  expect(claimedRole(claim, key)).toBe(role);
});

test('[SE12] a star matches each key, and any other entry is more specific', () => {
  expect(claimedRole({ '*': 'viewer' }, 'anything')).toBe('viewer');
  expect(claimedRole({ '*': 'viewer', 'a*': 'operator' }, 'anything')).toBe('operator');
  expect(claimedRole({ 'a*': 'operator', 'a**': 'viewer' }, 'a*')).toBe('operator');
});

test('[SE12] a name such as __proto__ is an ordinary key', () => {
  const read = readAccessClaim(JSON.parse('{"sessions":{"__proto__":"viewer"}}'));
  expect('sessions' in read && claimedRole(read.sessions, '__proto__')).toBe('viewer');
  expect(claimedRole({ 'doc-1': 'viewer' }, '__proto__')).toBeUndefined();
});

test('[SE12] an empty claim covers no key', () => {
  expect(readAccessClaim({ sessions: {} })).toEqual({ sessions: {} });
});

test.each([
  ...['text', 5, null, [], {}, { sessions: null }, { sessions: [] }, { sessions: 'doc-42' }],
  ...[{ sessions: { 'doc-42': 'owner' } }, { sessions: { 'doc-42': null } }, { sessions: { 'doc-42': ['viewer'] } }],
  ...[{ sessions: { '': 'viewer' } }, { sessions: { ' ': 'viewer' } }, { sessions: { 'a\u0000': 'viewer' } }],
  ...[{ sessions: { '\ud83d': 'viewer' } }, { sessions: { ['x'.repeat(limits.keyCharacters + 1)]: 'viewer' } }],
])('[SE12] a claim that is %j is refused', (value) => {
  expect(readAccessClaim(value)).toEqual({ problem: expect.stringMatching(/^(must|has) /) });
});

test('[SE12] a claim has a size limit, and its longest name is a key with a star', () => {
  const longest = 'x'.repeat(limits.keyCharacters);
  expect(readAccessClaim({ sessions: { [longest]: 'viewer', [`${longest}*`]: 'viewer' } })).toHaveProperty('sessions');
  const many = Object.fromEntries(Array.from({ length: 400 }, (_, index) => [`document-${index}`, 'viewer']));
  expect(readAccessClaim({ sessions: many })).toEqual({ problem: expect.stringContaining('4096 bytes') });
});
