import { createHash } from 'node:crypto';
import { RollcallError } from '../../protocol/errors.ts';
import { isUuid } from '../../protocol/uuid.ts';

/** A position in the list of live sessions: the row before it. */
export interface LivePosition {
  value: number;
  sessionId: string;
}

/** The position as text for clients, with a check value that depends on the list, so that a cursor of another list is refused. */
export function encodeLiveCursor(list: string, { value, sessionId }: LivePosition): string {
  const position = `${value}/${sessionId}`;
  const check = createHash('sha256').update(`${list}/${position}`).digest('hex').slice(0, 16);
  return Buffer.from(`${position}/${check}`).toString('base64url');
}

/** @throws RollcallError INVALID_MESSAGE if it is not a cursor of this list. */
export function decodeLiveCursor(list: string, cursor: string): LivePosition {
  const [value = '', sessionId = ''] = Buffer.from(cursor, 'base64url').toString('utf8').split('/');
  const position = { value: Number(value), sessionId };
  if (
    value !== '' &&
    Number.isFinite(position.value) &&
    isUuid(sessionId) &&
    encodeLiveCursor(list, position) === cursor
  ) {
    return position;
  }
  throw new RollcallError('INVALID_MESSAGE', 'The cursor "before" is not valid here. Start again without it.');
}
