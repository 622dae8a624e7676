import type { Role } from '../../protocol/entities.ts';
import type { Turn } from '../platform/turn.ts';
import type { AgentMark, OwnState } from './person-data.ts';

/** What the script `enter` needs to know about the user and their connection. */
export interface Entering {
  username: string;
  role: Role;
  /** The least role that sees cursors, if the session sets one (rule DE9). */
  cursorRole?: Role | undefined;
  /** Whether the connection asks for the compact form of cursors. */
  compact?: boolean | undefined;
  /** `taken`: this join took the slot. `written`: the audit trail has the arrival already. */
  arrivalState?: 'taken' | 'written' | undefined;
  /** When the join began, Unix milliseconds; see `Arrival.requestedAt`. */
  requestedAt?: number | undefined;
  /** Whether the user returns invisible, as they chose (rule PR5). */
  invisible?: boolean | undefined;
  /** The state that the join sets for the user. */
  ownState?: OwnState | undefined;
  /** The data that the user had set before, as JSON. It counts if Redis does not know the user. */
  kept?: string | undefined;
  /** The id that the user had as a guest (rule SE15). */
  guestId?: string | undefined;
  /** Present if the user is an agent. */
  agent?: AgentMark | undefined;
  /** The number of the join in the connection table, see `Membership.version`. A later join or leave counts instead. */
  version?: number | undefined;
  /** The turn of the frame that joins (rule PR18). */
  turn?: Turn | undefined;
}

/** The arguments of the script `join` that describe the user. */
export function enteringArguments(person: Entering) {
  const { username, role, cursorRole = '', compact = false, arrivalState = '', invisible = false } = person;
  const requestedAt = String(person.requestedAt ?? '');
  return { username, role, cursorRole, isCompact: compact, arrivalState, isInvisible: invisible, requestedAt };
}
