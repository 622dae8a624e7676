import { randomInt } from 'node:crypto';
import { isUuid } from '../../protocol/uuid.ts';

/** A session as messages name it: by its UUID or by its `SESSION-…` name. */
export type SessionReference = { id: string; name?: undefined } | { id?: undefined; name: string };

const name = /^SESSION-\d{8}-[0-9A-Z]{4,64}$/;

/** Undefined for a text that can name no session, so that no query is made for it. */
export function parseSessionReference(text: string): SessionReference | undefined {
  if (isUuid(text)) return { id: text.toLowerCase() };
  return name.test(text) ? { name: text } : undefined;
}

/** Digits and capitals without those that are read as others (0 and O, 1 and I and L, U and V). */
const alphabet = '23456789ABCDEFGHJKMNPQRSTVWXYZ';
const randomCharacters = 12;

/** A new `SESSION-YYYYMMDD-XXXXXXXXXXXX` of the day (UTC); 58 random bits, so that no name can be guessed from another. */
export function newSessionName(now: number): string {
  const day = new Date(now).toISOString().slice(0, 10).replaceAll('-', '');
  const random = Array.from({ length: randomCharacters }, () => alphabet[randomInt(alphabet.length)]);
  return `SESSION-${day}-${random.join('')}`;
}
