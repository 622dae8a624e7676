import { createHash } from 'node:crypto';
import { RollcallError } from '../../protocol/errors.ts';
import { isUuid } from '../../protocol/uuid.ts';

/** A position between two entries of a session: the moment and the id of the entry before it. */
export interface PagePosition {
  createdAt: number;
  id: string;
}

const latestMillis = 8.64e15;

/**
 * The position as text for clients. It is bound to its session by a check value, so that a mistyped cursor or another
 * session's is refused instead of answered with a wrong page. It grants nothing: whoever could forge one would only see
 * another page of the session they were allowed to read.
 */
export function encodeCursor(sessionId: string, position: PagePosition): string {
  return Buffer.from(`${position.createdAt}.${position.id}.${check(sessionId, position)}`).toString('base64url');
}

/** @throws RollcallError INVALID_MESSAGE for anything that is not a cursor of this session. */
export function decodeCursor(sessionId: string, cursor: string): PagePosition {
  const [millis, id] = Buffer.from(cursor, 'base64url').toString('utf8').split('.');
  const position = { createdAt: Number(millis), id: id ?? '' };
  const possible =
    isUuid(position.id) && Number.isInteger(position.createdAt) && Math.abs(position.createdAt) <= latestMillis;
  // Whatever was changed in a cursor, the one that belongs to its position is another.
  if (possible && encodeCursor(sessionId, position) === cursor) return position;
  throw new RollcallError('INVALID_MESSAGE', 'The cursor "before" is not valid here; start again without it.');
}

function check(sessionId: string, position: PagePosition): string {
  return createHash('sha256').update(`${sessionId}/${position.createdAt}/${position.id}`).digest('hex').slice(0, 16);
}
