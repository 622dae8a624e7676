import { RollcallError } from '../../../protocol/errors.ts';
import type { Person } from '../../sessions/person.ts';
import type { Caller } from './caller.ts';

/** The caller as a participant of a session. */
export function personOf(caller: Caller): Person {
  if (caller.guest) return { anonymousId: caller.userId, name: caller.username };
  return { userId: caller.userId, username: caller.username, externalId: caller.externalId };
}

/** @throws RollcallError PERMISSION_DENIED for a guest: a guest exists inside one session only (rule SE7). */
export function refuseGuest(caller: Caller): void {
  if (caller.guest) throw guestElsewhere();
}

/** @throws RollcallError PERMISSION_DENIED for a guest of another session than the one named. */
export function refuseForeignGuest(caller: Pick<Caller, 'guest'>, sessionId: string): void {
  if (caller.guest && caller.guest.sessionId !== sessionId) throw guestElsewhere();
}

function guestElsewhere(): RollcallError {
  return new RollcallError(
    'PERMISSION_DENIED',
    'A guest can only use the session they were invited to; sign in to use others.',
  );
}
