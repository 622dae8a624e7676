import type { Action } from '../../../protocol/permissions.ts';
import type { Services } from '../../services/services.ts';
import type { SessionAccess } from '../../sessions/access.ts';
import type { Caller } from './caller.ts';
import { refuseForeignGuest } from './people.ts';

/**
 * The session and the access of the caller to it, if they may do this there. A guest may do nothing in other sessions than
 * their own, not even in public ones (rule SE7), and does not learn whether there is one (rule SE13).
 *
 * @throws RollcallError as `SessionManager.authorize` does, and PERMISSION_DENIED for a guest of another session.
 */
export async function authorizeCaller(
  services: Services,
  caller: Pick<Caller, 'userId' | 'guest' | 'claim'>,
  reference: string,
  action: Action,
  options: { evenEnded?: boolean } = {},
): Promise<SessionAccess> {
  await refuseForeignGuest(services, caller, reference);
  return services.sessions.authorize(reference, caller, action, options);
}
