import { RollcallError } from '../../../protocol/errors.ts';
import type { Services } from '../../services/services.ts';
import type { Person } from '../../sessions/person.ts';
import type { Caller } from './caller.ts';

/** The caller as a participant of a session. */
export function personOf(caller: Caller): Person {
  if (caller.guest || caller.agent) return { anonymousId: caller.userId, name: caller.username };
  const { userId, username, externalId, claim } = caller;
  return { userId, username, externalId, claim };
}

/** @throws RollcallError PERMISSION_DENIED for a guest: a guest exists inside one session only (rule SE7). */
export function refuseGuest(caller: Caller): void {
  if (caller.guest) throw guestElsewhere();
}

/**
 * Refuses a guest who names another session than their own; whether that one exists makes no difference (rule SE13).
 *
 * @throws RollcallError PERMISSION_DENIED.
 */
export async function refuseForeignGuest(
  { sessions }: Pick<Services, 'sessions'>,
  { guest }: Pick<Caller, 'guest'>,
  reference: string,
): Promise<void> {
  if (!guest) return;
  const sessionId = await sessions.resolveSessionId(reference).catch((error: unknown) => {
    if (error instanceof RollcallError && error.code === 'SESSION_NOT_FOUND') return undefined;
    throw error;
  });
  if (sessionId !== guest.sessionId) throw guestElsewhere();
}

function guestElsewhere(): RollcallError {
  return new RollcallError(
    'PERMISSION_DENIED',
    'A guest can only use the session they were invited to; sign in to use others.',
  );
}
