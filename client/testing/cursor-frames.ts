import { encodeMove, frameHead, tagOf } from '../../protocol/compact.ts';
import type { Cursor } from '../../protocol/entities.ts';
import type { Json, WireUser } from '../presence.ts';

/** The frames about a moved cursor in both forms. The compact one has only the position if the receivers know the rest. */
export function cursorFrames(
  { epoch, session }: { epoch: string; session: { id: string } },
  { userId, index, cursor }: WireUser,
  known: Json | undefined,
  at: number,
): { whole: object; compact: string } {
  const tag = tagOf(cursor as Cursor);
  const whole = { userId, cursor, at };
  const isMove = known !== undefined && tagOf(known as Cursor) === tag;
  const head = frameHead(epoch);
  const compact = isMove ? head + encodeMove(index!, tag, cursor as Cursor) : `${head}\n${JSON.stringify([whole])}`;
  return { whole: { type: 'cursors', sessionId: session.id, cursors: [whole] }, compact };
}
