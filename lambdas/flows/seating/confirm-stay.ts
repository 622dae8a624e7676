import type { LeaveCause, Role } from '../../../protocol/entities.ts';
import { isAway } from '../../platform/unavailable.ts';
import { isUnknown } from '../../presence/outcome.ts';
import type { Stay } from '../../sessions/read-stay.ts';
import { refusals } from '../../sessions/refusals.ts';
import type { Join } from './seating.ts';

/** Stays that end so end for all connections of the user. */
const endings: readonly (LeaveCause | undefined)[] = ['removed', 'session_ended', 'session_expired'];

/**
 * Reads the stay of the user again, after the seat. A removal or a new role that was decided after the slot was taken may have
 * reached Redis before the seat was there, and found nothing to change (rule SE8). What is decided after this read finds the seat.
 *
 * While PostgreSQL is away the join succeeds; the sweep corrects it later.
 *
 * @throws RollcallError PERMISSION_DENIED if the user was removed.
 */
export async function confirmStay(join: Join): Promise<void> {
  if (join.seating.unasked) return;
  // Once more after a correction, because another decision may have been made during it.
  while (!(await isConfirmed(join)));
}

async function isConfirmed(join: Join): Promise<boolean> {
  const stay = await readAgain(join);
  if (stay === 'unknown') return true;
  const cause = stay?.leftCause ?? undefined;
  if (endings.includes(cause)) join.endCause = cause;
  if (cause === 'removed') throw refusals.removed();
  join.lacksSlot = stay === undefined || cause !== undefined;
  // The role of an access claim is that of the connection.
  if (!stay || join.caller.claim || stay.role === join.membership.role) return true;
  await correctRole(join, stay.role);
  return false;
}

/** Unknown while PostgreSQL is away. */
async function readAgain({ services, membership }: Join): Promise<Stay | undefined | 'unknown'> {
  const { sessionId, userId } = membership;
  try {
    return await services.sessions.getStay(sessionId, userId);
  } catch (error) {
    if (!isAway(error, 'database')) throw error;
    services.log.warn('A stay could not be read again', { sessionId, userId, error: error.cause as Error });
    return 'unknown';
  }
}

/** Gives the user their present role in the connection table and in Redis. The others are told with the arrival. */
async function correctRole(join: Join, role: Role): Promise<void> {
  const { services, membership, outcome } = join;
  const { sessionId, userId, connectionId } = membership;
  join.membership = { ...membership, role };
  join.seating = { ...join.seating, role };
  await services.registry.changeRole(sessionId, userId, role, [connectionId]);
  if (!outcome) return;
  try {
    const changed = await services.presence.store.changeRole(sessionId, userId, role, services.clock());
    if (!isUnknown(changed)) join.corrections.push(changed);
  } catch (error) {
    if (!isAway(error, 'redis')) throw error;
    services.log.warn('A role could not be corrected yet', { sessionId, userId, error: error.cause as Error });
  }
}
