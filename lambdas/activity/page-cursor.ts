import { createHash } from 'node:crypto';
import { RollcallError } from '../../protocol/errors.ts';
import { isUuid } from '../../protocol/uuid.ts';

/** A position between two entries of a session: the time and the id of the entry before it. */
export interface PagePosition {
  createdAt: number;
  id: string;
  /** The number of the last link of the session when its first page was read; 0 if nothing was sealed. */
  head?: number | undefined;
}

const latestMillis = 8.64e15;

/**
 * The position as text for clients. It has a check value that depends on the session. So a mistyped cursor, or one of
 * another session, is refused instead of giving a wrong page. A cursor gives no permission: a forged one shows only another
 * page of a session that the caller may read anyway.
 */
export function encodeCursor(sessionId: string, position: PagePosition): string {
  return Buffer.from(`${textOf(position).join('.')}.${check(sessionId, position)}`).toString('base64url');
}

/** @throws RollcallError INVALID_MESSAGE if it is not a cursor of this session. */
export function decodeCursor(sessionId: string, cursor: string): PagePosition {
  const [millis, id, ...more] = Buffer.from(cursor, 'base64url').toString('utf8').split('.');
  // After the head, or in its place, comes the check value.
  const position = { createdAt: Number(millis), id: id ?? '', head: more.length > 1 ? Number(more[0]) : undefined };
  const possible =
    isUuid(position.id) && Number.isInteger(position.createdAt) && Math.abs(position.createdAt) <= latestMillis;
  // If any part of the cursor was changed, encoding its position again gives another text.
  if (possible && encodeCursor(sessionId, position) === cursor) return position;
  throw new RollcallError('INVALID_MESSAGE', 'The cursor "before" is not valid here. Start again without it.');
}

function textOf({ createdAt, id, head }: PagePosition): (string | number)[] {
  return head === undefined ? [createdAt, id] : [createdAt, id, head];
}

function check(sessionId: string, position: PagePosition): string {
  return createHash('sha256')
    .update([sessionId, ...textOf(position)].join('/'))
    .digest('hex')
    .slice(0, 16);
}
