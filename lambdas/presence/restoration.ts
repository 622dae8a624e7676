import type { PersonData, Role } from '../../protocol/entities.ts';
import type { KeptData } from '../platform/kept-data.ts';
import { versionArguments } from './frame-parameters.ts';
import type { Receiver } from './outcome.ts';
import { type AgentMark, dataMembers, newestData } from './person-data.ts';
import type { ScriptArguments } from './scripts/script-call.ts';
import { restoredFields } from './scripts/script-table.ts';
import { seatIdOf } from './seat.ts';

/** A connection that joined, as the connection table knows it. */
export interface Member extends Receiver, KeptData {
  username: string;
  role: Role;
  /** The least role that sees cursors in the session, if the session sets one. */
  cursorRole?: Role | undefined;
  /** Whether the user chose to be invisible, according to the table. */
  invisible?: boolean | undefined;
  /** Unix milliseconds. */
  joinedAt: number;
  /** The id that the user had as a guest (rule SE15). */
  guestId?: string | undefined;
  /** Present if the user is an agent. */
  agent?: AgentMark | undefined;
  /** The number of the join among the joins and leaves of the connection. */
  version?: number | undefined;
}

/** The index of the connection table shows a change of an item within this time. */
const tableLagMillis = 5000;

/** The arguments of the script `restore`: the named ones, followed by the values of each connection. */
export function restoreArguments(
  sessionId: string,
  members: readonly Member[],
  now: number,
  offlineAfterMillis: number,
  onlyIfLost: boolean,
): { named: ScriptArguments<'restore'>; facts: (string | number)[] } {
  const silentSince = Math.round(now - Math.min(tableLagMillis, offlineAfterMillis / 2));
  const cursorRole = members.find((member) => member.cursorRole)?.cursorRole ?? '';
  return {
    named: { onlyIfLost, silentSince, cursorRole, count: members.length },
    facts: members.flatMap((member) => factsOf(sessionId, member, members)),
  };
}

function factsOf(sessionId: string, member: Member, members: readonly Member[]): (string | number)[] {
  const { userId, connectionId, joinedAt, version } = member;
  // A connection that has just joined may not have what the user chose before.
  const isInvisible = members.some((one) => one.userId === userId && one.invisible);
  const facts = {
    ...member,
    connectionId: seatIdOf(connectionId),
    leaseUntil: member.agent?.leaseUntil ?? '',
    onBehalfOf: member.agent?.onBehalfOf ?? '',
    joinedAt: Math.round(joinedAt),
    isInvisible: isInvisible ? 1 : 0,
    data: dataOf(userId, members),
    guestId: members.find((one) => one.userId === userId && one.guestId)?.guestId ?? '',
    ...versionArguments({ sessionId, connectionId }, version),
  };
  return restoredFields.map((name) => facts[name]);
}

/** The same for each connection of a user: the script takes the first. */
function dataOf(userId: string, members: readonly Member[]): string {
  const data = newestData(members.filter((one) => one.userId === userId));
  return data === undefined ? '' : JSON.stringify(dataMembers(JSON.parse(data) as PersonData));
}
