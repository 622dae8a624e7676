/**
 * Replaces by U+FFFD what a JavaScript string can hold but PostgreSQL's `text` and `jsonb` cannot: U+0000 and unpaired
 * surrogates. So no audit entry is refused because of such a character.
 */
export function sanitizeText(text: string): string {
  return text.toWellFormed().replaceAll('\u0000', '\ufffd');
}

/** JSON of an object in which every string and every key can be stored. */
export function sanitizeJson(value: Record<string, unknown>): string {
  const json = JSON.stringify(value);
  return mayNeedSanitizing(json) ? JSON.stringify(sanitizeValue(JSON.parse(json))) : json;
}

/** Both kinds appear in JSON only as escapes, so JSON without these escapes needs no sanitizing. */
function mayNeedSanitizing(json: string): boolean {
  return json.includes('\\u0000') || json.includes('\\ud');
}

function sanitizeValue(value: unknown): unknown {
  if (typeof value === 'string') return sanitizeText(value);
  if (Array.isArray(value)) return value.map(sanitizeValue);
  if (value === null || typeof value !== 'object') return value;
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [sanitizeText(key), sanitizeValue(inner)]));
}
