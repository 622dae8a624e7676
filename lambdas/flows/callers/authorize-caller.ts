import type { Services } from '../../services/services.ts';
import type { SessionAccess } from '../../sessions/access.ts';
import type { Action } from '../../sessions/permissions.ts';
import type { Caller } from './caller.ts';
import { refuseForeignGuest } from './people.ts';

/**
 * The session and the access of the caller to it, if they may do this there. A guest may do nothing in other sessions than
 * their own, not even in public ones (rule SE7).
 *
 * @throws RollcallError as `SessionManager.authorize` does, and PERMISSION_DENIED for a guest of another session.
 */
export async function authorizeCaller(
  services: Services,
  caller: Pick<Caller, 'userId' | 'guest'>,
  reference: string,
  action: Action,
  options: { evenEnded?: boolean } = {},
): Promise<SessionAccess> {
  const access = await services.sessions.authorize(reference, caller.userId, action, options);
  refuseForeignGuest(caller, access.session.id);
  return access;
}
