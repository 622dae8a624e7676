import { createHash } from 'node:crypto';
import { RollcallError } from '../../protocol/errors.ts';
import { isUuid } from '../../protocol/uuid.ts';

/** A position in the list of the busiest sessions: the row before it. */
export interface SessionPosition {
  count: number;
  /** `YYYY-MM-DD` */
  day: string;
  sessionId: string;
}

/**
 * The position as text for clients. It has a check value that depends on the list, so a mistyped cursor, or one of another
 * list, is refused instead of giving a wrong page.
 */
export function encodeSessionCursor(list: string, { count, day, sessionId }: SessionPosition): string {
  const position = `${count}.${day}.${sessionId}`;
  const check = createHash('sha256').update(`${list}/${position}`).digest('hex').slice(0, 16);
  return Buffer.from(`${position}.${check}`).toString('base64url');
}

/** @throws RollcallError INVALID_MESSAGE if it is not a cursor of this list. */
export function decodeSessionCursor(list: string, cursor: string): SessionPosition {
  const [count, day = '', sessionId = ''] = Buffer.from(cursor, 'base64url').toString('utf8').split('.');
  const position = { count: Number(count), day, sessionId };
  const isPossible = Number.isSafeInteger(position.count) && /^\d{4}-\d\d-\d\d$/.test(day) && isUuid(sessionId);
  // If any part of the cursor was changed, encoding its position again gives another text.
  if (isPossible && encodeSessionCursor(list, position) === cursor) return position;
  throw new RollcallError('INVALID_MESSAGE', 'The cursor "before" is not valid here. Start again without it.');
}
