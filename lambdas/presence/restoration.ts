import type { PersonData, Role } from '../../protocol/entities.ts';
import type { Receiver } from './outcome.ts';
import { dataMembers, type KeptData, newestData } from './person-data.ts';

/** A connection that joined, as the connection table knows it. */
export interface Member extends Receiver, KeptData {
  username: string;
  role: Role;
  /** The least role that sees cursors in the session, where it names one. */
  cursorRole?: Role | undefined;
  /** Whether they chose to be invisible, as far as the table tells. */
  invisible?: boolean | undefined;
  /** Unix milliseconds. */
  joinedAt: number;
}

/** The index of the connection table follows its items within this time. */
const tableLagMillis = 5000;

/** The arguments of the script `restore`. */
export function restoreParameters(
  members: readonly Member[],
  now: number,
  offlineAfterMillis: number,
  onlyIfLost: boolean,
): (string | number)[] {
  const silentSince = Math.round(now - Math.min(tableLagMillis, offlineAfterMillis / 2));
  const cursorRole = members.find((member) => member.cursorRole)?.cursorRole ?? '';
  return [
    ...[onlyIfLost ? '1' : '0', silentSince, cursorRole, members.length],
    ...members.flatMap((one) => [
      ...[one.userId, one.connectionId, one.username, one.role, Math.round(one.joinedAt)],
      ...[one.invisible ? '1' : '0', dataOf(one.userId, members)],
    ]),
  ];
}

/** The same for each connection of a user: the script takes the first. */
function dataOf(userId: string, members: readonly Member[]): string {
  const data = newestData(members.filter((one) => one.userId === userId));
  return data === undefined ? '' : JSON.stringify(dataMembers(JSON.parse(data) as PersonData));
}
