import { tagOf } from '../../protocol/compact.ts';
import type { Turn } from '../platform/turn.ts';
import { presenceKeys } from './keys.ts';
import { dataMembers, hasKeys } from './person-data.ts';
import type { ScriptArguments } from './scripts/script-call.ts';
import type { Seat, Touch } from './seat.ts';

type SeatOf = Pick<Seat, 'sessionId' | 'connectionId'>;

/** The arguments of the script `touch`. */
export function touchArguments(
  seat: Seat,
  { kind, idle = false, hidden = false, cursor, status, activity, turn, data }: Touch,
): ScriptArguments<'touch'> {
  return {
    userId: seat.userId,
    connectionId: seat.connectionId,
    kind,
    isIdle: idle,
    isHidden: hidden,
    cursor: cursor === undefined ? '' : JSON.stringify(cursor),
    status: status ?? '',
    activity: activity === undefined ? '' : JSON.stringify(activity),
    tag: cursor ? tagOf(cursor) : '',
    ...turnArguments(seat, turn),
    dataChange: hasKeys(data) ? JSON.stringify(dataMembers(data)) : '',
  };
}

/** The turn of a frame for a script: the field of the hash `orders`, and the turn itself. */
export function turnArguments(
  { connectionId }: SeatOf,
  { order, receivedAt }: Turn = {},
): Pick<ScriptArguments<'touch'>, 'turnField' | 'turn'> {
  if (order !== undefined) return { turnField: connectionId, turn: order };
  return receivedAt === undefined ? { turnField: '', turn: '' } : { turnField: `~${connectionId}`, turn: receivedAt };
}

/** The number of a join or leave for a script: the key that keeps the last one, and the number. */
export function versionArguments(
  { sessionId, connectionId }: SeatOf,
  version: number | undefined,
): Pick<ScriptArguments<'leave'>, 'versionKey' | 'version'> {
  return { versionKey: presenceKeys.membership(sessionId, connectionId), version: String(version ?? '') };
}
