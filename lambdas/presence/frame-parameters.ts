import { tagOf } from '../../protocol/compact.ts';
import type { Turn } from '../delivery/turn.ts';
import { presenceKeys } from './keys.ts';
import { dataMembers, hasKeys } from './person-data.ts';
import type { Seat, Touch } from './seat.ts';

type SeatOf = Pick<Seat, 'sessionId' | 'connectionId'>;

/** The arguments of the script `touch`. */
export function touchParameters(
  seat: Seat,
  { kind, idle, cursor, status, activity, turn, data }: Touch,
): (string | number)[] {
  return [
    ...[seat.userId, seat.connectionId, kind, idle ? '1' : '0'],
    cursor === undefined ? '' : JSON.stringify(cursor),
    status ?? '',
    activity === undefined ? '' : JSON.stringify(activity),
    cursor ? tagOf(cursor) : '',
    ...turnParameters(seat, turn),
    hasKeys(data) ? JSON.stringify(dataMembers(data)) : '',
  ];
}

/** The arguments by which a script knows the turn of a frame: the field of the hash `orders`, and the turn itself. */
export function turnParameters({ connectionId }: SeatOf, { order, receivedAt }: Turn = {}): [string, number | ''] {
  if (order !== undefined) return [connectionId, order];
  return receivedAt === undefined ? ['', ''] : [`~${connectionId}`, receivedAt];
}

/** The arguments by which a script knows the number of a join or leave: the key that keeps the last one, and the number. */
export function versionParameters(
  { sessionId, connectionId }: SeatOf,
  version: number | undefined,
): [string, number | ''] {
  return [presenceKeys.membership(sessionId, connectionId), version ?? ''];
}
