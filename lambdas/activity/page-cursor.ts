import { createHash } from 'node:crypto';
import { RollcallError } from '../../protocol/errors.ts';
import { isUuid } from '../../protocol/uuid.ts';

/** A position between two entries of a session: the time and the id of the entry before it. */
export interface PagePosition {
  createdAt: number;
  id: string;
}

const latestMillis = 8.64e15;

/**
 * The position as text for clients. It has a check value that depends on the session. So a mistyped cursor, or one of
 * another session, is refused instead of giving a wrong page. A cursor gives no permission: a forged one shows only another
 * page of a session that the caller may read anyway.
 */
export function encodeCursor(sessionId: string, position: PagePosition): string {
  return Buffer.from(`${position.createdAt}.${position.id}.${check(sessionId, position)}`).toString('base64url');
}

/** @throws RollcallError INVALID_MESSAGE if it is not a cursor of this session. */
export function decodeCursor(sessionId: string, cursor: string): PagePosition {
  const [millis, id] = Buffer.from(cursor, 'base64url').toString('utf8').split('.');
  const position = { createdAt: Number(millis), id: id ?? '' };
  const possible =
    isUuid(position.id) && Number.isInteger(position.createdAt) && Math.abs(position.createdAt) <= latestMillis;
  // If any part of the cursor was changed, encoding its position again gives another text.
  if (possible && encodeCursor(sessionId, position) === cursor) return position;
  throw new RollcallError('INVALID_MESSAGE', 'The cursor "before" is not valid here. Start again without it.');
}

function check(sessionId: string, position: PagePosition): string {
  return createHash('sha256').update(`${sessionId}/${position.createdAt}/${position.id}`).digest('hex').slice(0, 16);
}
