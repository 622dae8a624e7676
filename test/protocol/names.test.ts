import { limits } from '../../protocol/limits.ts';
import { displayName } from '../../protocol/names.ts';

test.each([
  ['\u200b', ''],
  ['\u202e', ''],
  ['\u00ad\u2060\ufeff', ''],
  ['\u3164', ''],
  ['\u2800', ''],
  ['\u00a0 \u3000', ''],
  ['\u200d\u200c', ''],
  ['\ufe0f', ''],
  ['\ud83d', ''],
  ['  Ada\u0000\n\u001b ', 'Ada'],
  ['\u202eAda\u202c', 'Ada'],
  ['\u2066Ada\u2069 \u200fLovelace\u200e', 'Ada Lovelace'],
  ['A\u200bd\u200da\u200c', 'Ada'],
  ['Ada\u2028Lovelace\ud800', 'AdaLovelace'],
  ['Ada \u{e0041}\u{e0042}', 'Ada'],
])('%j is shown as %j', (name, shown) => {
  expect(displayName(name)).toBe(shown);
});

test.each([
  ['a family', '👩‍👩‍👧 Ada'],
  ['a profession with a skin tone', '👩🏽‍💻'],
  ['a sign with a variation selector', '❤️‍🔥'],
  ['the flag of a region', '🏴\u{e0067}\u{e0062}\u{e0073}\u{e0063}\u{e0074}\u{e007f}'],
  ['Persian', 'می\u200cخواهم'],
  ['Sinhala', 'ශ්\u200dරී'],
  ['an old chillu of Malayalam', 'അവന്\u200d'],
  ['an ideographic variant', '葛\u{e0100}城'],
  ['Arabic from right to left', 'محمد علي'],
])('%s stays as it is', (_, name) => {
  expect(displayName(name)).toBe(name);
});

test('a name is cut between whole characters and does not end in a joiner', () => {
  const room = limits.nameCharacters;
  expect(displayName('x'.repeat(room + 300))).toHaveLength(room);
  expect(displayName(`${'x'.repeat(room - 1)}😀`)).toBe('x'.repeat(room - 1));
  expect(displayName(`${'x'.repeat(room - 3)}👩‍💻`)).toBe(`${'x'.repeat(room - 3)}👩`);
});
