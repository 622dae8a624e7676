import { createHash } from 'node:crypto';
import { RollcallError } from '../../protocol/errors.ts';
import { isUuid } from '../../protocol/uuid.ts';

/** A place between two entries of a session: the moment and the id of the entry before it. */
export interface PagePlace {
  createdAt: number;
  id: string;
}

const latestMillis = 8.64e15;

/**
 * The place as text for clients. It is bound to its session by a check value, so that a mistyped cursor or another
 * session's is refused instead of answered with a wrong page. It grants nothing: whoever could forge one would only see
 * another page of the session they were allowed to read.
 */
export function encodeCursor(sessionId: string, place: PagePlace): string {
  return Buffer.from(`${place.createdAt}.${place.id}.${check(sessionId, place)}`).toString('base64url');
}

/** @throws RollcallError INVALID_MESSAGE for anything that is not a cursor of this session. */
export function decodeCursor(sessionId: string, cursor: string): PagePlace {
  const [millis, id] = Buffer.from(cursor, 'base64url').toString('utf8').split('.');
  const place = { createdAt: Number(millis), id: id ?? '' };
  const possible = isUuid(place.id) && Number.isInteger(place.createdAt) && Math.abs(place.createdAt) <= latestMillis;
  // Whatever was changed in a cursor, the one that belongs to its place is another.
  if (possible && encodeCursor(sessionId, place) === cursor) return place;
  throw new RollcallError('INVALID_MESSAGE', 'The cursor "before" is not valid here; start again without it.');
}

function check(sessionId: string, place: PagePlace): string {
  return createHash('sha256').update(`${sessionId}/${place.createdAt}/${place.id}`).digest('hex').slice(0, 16);
}
