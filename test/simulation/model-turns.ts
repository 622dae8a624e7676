import type { RoomModel, Turns } from './room-model.ts';
import type { Values } from './script-answer.ts';

const none: Turns = { cursor: 0, status: 0, acted: 0 };

/** The values of a touch that depend on its turn. */
function partsOf({ connectionId = '', cursor = '', status = '', turnField = '', turn = '' }: Values) {
  return { connectionId, cursor, status, field: turnField, turn: Number(turn) };
}

/** The part of a frame that has effect after later frames of its connection (rule PR18). */
export function inTurn(room: RoomModel, values: Values): { cursor: string; status: string; endsAway: boolean } {
  const { connectionId, cursor, status, field, turn } = partsOf(values);
  const last = field === '' ? none : (room.turns.get(connectionId) ?? none);
  const isOld = (decided: number) => field !== '' && turn < decided;
  // A later frame with user activity has ended a status of away.
  const chosen = status === 'away' && isOld(last.acted) ? 'online' : status;
  return {
    cursor: isOld(last.cursor) ? '' : cursor,
    status: isOld(last.status) ? '' : chosen,
    endsAway: !isOld(last.status),
  };
}

/** Records which values a frame decided. */
export function noteTurn(room: RoomModel, values: Values, acted: boolean): void {
  const { connectionId, cursor, status, field, turn } = partsOf(values);
  if (field === '') return;
  const last = room.turns.get(connectionId) ?? none;
  room.turns.set(connectionId, {
    cursor: cursor === '' ? last.cursor : Math.max(last.cursor, turn),
    status: status === '' ? last.status : Math.max(last.status, turn),
    acted: acted ? Math.max(last.acted, turn) : last.acted,
  });
}
