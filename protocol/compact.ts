import type { Cursor } from './entities.ts';
import type { CursorUpdate } from './frames.ts';

/**
 * The compact form of `cursors`, for connections that ask for it in `hello`. Both ends use this file.
 *
 * A moving cursor usually changes only its numbers. So a frame names each user by their `index` in the session and
 * contains only the numbers and a tag. The tag is a hash of the rest of the cursor; from it the receiver knows whether
 * its copy of the rest is still current. If something other than the numbers changed, the whole cursor follows after a
 * line break:
 *
 *     c<alias>;<index>,<tag>,<number>,<number>;<index>,<tag>,<number>…
 *     [{"userId":…,"cursor":{…},"at":…}]
 *
 * `alias` is the first four characters of the session's epoch, `index` is in base 36, and a tag has three characters.
 */

export interface CompactMove {
  index: number;
  tag: string;
  numbers: number[];
}

export interface CompactFrame {
  alias: string;
  moves: CompactMove[];
  /** Cursors that are sent as a whole. */
  whole: CursorUpdate[];
}

const aliasCharacters = 4;
const digits = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz-_';

export function aliasOf(epoch: string): string {
  return epoch.slice(0, aliasCharacters);
}

/** The numbers of a cursor in the order of its fields. Nested numbers are part of the tag instead. */
export function numbersOf(cursor: Cursor): number[] {
  return Object.values(cursor).filter((value) => typeof value === 'number');
}

/** Hash of everything in a cursor except its numbers: 18 bits of the FNV-1a of its JSON. */
export function tagOf(cursor: Cursor): string {
  const text = JSON.stringify(cursor, function (key, value) {
    return typeof value === 'number' && key !== '' && this === cursor ? 0 : value;
  });
  let hash = 0x811c9dc5;
  for (let index = 0; index < text.length; index += 1) {
    hash = Math.imul(hash ^ text.charCodeAt(index), 0x01000193);
  }
  const bits = (hash ^ (hash >>> 16)) & 0x3ffff;
  return digits[bits >> 12]! + digits[(bits >> 6) & 63]! + digits[bits & 63]!;
}

/** A copy of the cursor with these numbers in the same fields. */
export function withNumbers(cursor: Cursor, numbers: readonly number[]): Cursor {
  let next = 0;
  return Object.fromEntries(
    Object.entries(cursor).map(([key, value]) => [key, typeof value === 'number' ? numbers[next++] : value]),
  ) as Cursor;
}

/** One entry of a frame, with the separator before it. */
export function encodeMove(index: number, tag: string, cursor: Cursor): string {
  return `;${index.toString(36)},${tag},${numbersOf(cursor).join(',')}`;
}

/** The beginning of a compact frame. */
export function frameHead(epoch: string): string {
  return `c${aliasOf(epoch)}`;
}

/** Parses a compact frame. Returns undefined if the text is not one; a JSON frame begins with a brace. */
export function decodeFrame(text: string): CompactFrame | undefined {
  if (!text.startsWith('c')) return undefined;
  const end = text.indexOf('\n');
  const line = end < 0 ? text : text.slice(0, end);
  const [head = '', ...entries] = line.split(';');
  const moves = entries.map((entry) => {
    const [index = '', tag = '', ...numbers] = entry.split(',');
    return { index: Number.parseInt(index, 36), tag, numbers: numbers.map(Number) };
  });
  const whole = end < 0 ? [] : (JSON.parse(text.slice(end + 1)) as CursorUpdate[]);
  return { alias: head.slice(1), moves, whole };
}
