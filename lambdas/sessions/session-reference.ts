import { randomInt } from 'node:crypto';
import { isUuid } from '../../protocol/uuid.ts';

/** A session as messages refer to it: by its UUID or by its `SESSION-…` name. */
export type SessionReference = { id: string; name?: undefined } | { id?: undefined; name: string };

const name = /^SESSION-\d{8}-[0-9A-Z]{4,64}$/;

/** Undefined for a text that cannot refer to a session. Then no query is made. */
export function parseSessionReference(text: string): SessionReference | undefined {
  if (isUuid(text)) return { id: text.toLowerCase() };
  return name.test(text) ? { name: text } : undefined;
}

/** Digits and capital letters without those that look alike (0 and O, 1 and I and L, U and V). */
const alphabet = '23456789ABCDEFGHJKMNPQRSTVWXYZ';
const randomCharacters = 12;

/** A new name `SESSION-YYYYMMDD-XXXXXXXXXXXX` with the date in UTC and 58 random bits, so that nobody can guess a name. */
export function newSessionName(now: number): string {
  const day = new Date(now).toISOString().slice(0, 10).replaceAll('-', '');
  const random = Array.from({ length: randomCharacters }, () => alphabet[randomInt(alphabet.length)]);
  return `SESSION-${day}-${random.join('')}`;
}
