import type { Cursor } from './entities.ts';
import type { CursorUpdate } from './frames.ts';

/**
 * The compact form of `cursors`, for connections that ask for it in `hello`. Both ends use this file.
 *
 * A moving cursor changes its numbers and little else. So a frame names each mover by their `index` in the session and
 * carries the numbers alone; a tag of everything else tells the receiver whether what it knows of this cursor still
 * holds. Where something else changed, the cursor comes whole, behind a line break:
 *
 *     c<alias>;<index>,<tag>,<number>,<number>;<index>,<tag>,<number>…
 *     [{"userId":…,"cursor":{…},"at":…}]
 *
 * `alias` is the first four characters of the session's epoch, `index` is in base 36, a tag has three characters.
 */

export interface CompactMove {
  index: number;
  tag: string;
  numbers: number[];
}

export interface CompactFrame {
  alias: string;
  moves: CompactMove[];
  /** Cursors that come whole. */
  whole: CursorUpdate[];
}

const aliasCharacters = 4;
const digits = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz-_';

export function aliasOf(epoch: string): string {
  return epoch.slice(0, aliasCharacters);
}

/** The numbers of a cursor in the order of its fields. Numbers deeper inside are part of what the tag stands for. */
export function numbersOf(cursor: Cursor): number[] {
  return Object.values(cursor).filter((value) => typeof value === 'number');
}

/** Stands for everything of a cursor but its numbers: FNV-1a of its JSON, 18 bits of it. */
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

/** A cursor with other numbers in the same places. */
export function withNumbers(cursor: Cursor, numbers: readonly number[]): Cursor {
  let next = 0;
  return Object.fromEntries(
    Object.entries(cursor).map(([key, value]) => [key, typeof value === 'number' ? numbers[next++] : value]),
  ) as Cursor;
}

/** One mover of a frame, with the separator in front. */
export function encodeMove(index: number, tag: string, cursor: Cursor): string {
  return `;${index.toString(36)},${tag},${numbersOf(cursor).join(',')}`;
}

/** What a compact frame begins with. */
export function frameHead(epoch: string): string {
  return `c${aliasOf(epoch)}`;
}

/** Reads a compact frame; undefined where the text is none (a frame of JSON begins with a brace). */
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
