import { utf8Bytes } from '../../protocol/text.ts';

test.each([
  '',
  'a',
  'ü',
  '\u07ff',
  '\u0800',
  '€',
  '😀',
  'a😀b😀',
  '\ud83d',
  '\ude00',
  '\ude00\ud83d',
  '\ud83d\ud83d\ude00',
])('the bytes of %j are those of its encoding', (text) => expect(utf8Bytes(text)).toBe(Buffer.byteLength(text)));
