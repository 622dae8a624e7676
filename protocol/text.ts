/**
 * The texts and values that the service accepts in all messages and all parameters of the HTTP API. The service must
 * store exactly what it acknowledges, so it refuses what a store would change or cannot store.
 */

/** The place of an unacceptable value, and the reason. */
export interface Unacceptable {
  /** Keys and indexes, the outermost first. */
  path: string[];
  /** The rest of a sentence that begins with the name of the field. */
  message: string;
}

/**
 * Returns why a text is unacceptable, or undefined if it is acceptable.
 *
 * PostgreSQL's `text` and `jsonb` cannot hold U+0000. Half of a surrogate pair has no UTF-8 encoding. It would be
 * stored as U+FFFD, and neither `jsonb` nor the Redis scripts can read it.
 */
export function textProblem(text: string): string | undefined {
  if (text.includes('\u0000')) return 'must not contain the character U+0000';
  return text.isWellFormed() ? undefined : 'must be well-formed Unicode text';
}

/**
 * Finds the first unacceptable text, key or number anywhere in a parsed JSON value.
 *
 * A number too large for a double (`1e400`) is parsed as Infinity, which JSON writes as `null`.
 */
export function findUnacceptable(value: unknown): Unacceptable | undefined {
  if (typeof value === 'string') return problemAt(textProblem(value));
  if (typeof value === 'number') return Number.isFinite(value) ? undefined : problemAt('must be a finite number');
  if (typeof value !== 'object' || value === null) return undefined;
  for (const [key, inner] of Object.entries(value)) {
    const ofKey = textProblem(key);
    if (ofKey) return { path: [], message: `a field's name ${ofKey}` };
    const found = findUnacceptable(inner);
    if (found) return { ...found, path: [key, ...found.path] };
  }
  return undefined;
}

function problemAt(message: string | undefined): Unacceptable | undefined {
  return message === undefined ? undefined : { path: [], message };
}

/** The bytes of a text in UTF-8. Counted here, because test environments such as jsdom have no `TextEncoder`. */
export function utf8Bytes(text: string): number {
  let bytes = text.length;
  for (let index = 0; index < text.length; index += 1) {
    const unit = text.charCodeAt(index);
    if (unit < 0x80) continue;
    const isPair = unit >= 0xd800 && unit < 0xdc00 && (text.charCodeAt(index + 1) & 0xfc00) === 0xdc00;
    // Half of a pair is encoded as U+FFFD. A pair has four bytes.
    bytes += unit < 0x800 ? 1 : 2;
    if (isPair) index += 1;
  }
  return bytes;
}
