import type { Services } from '../../lambdas/services/services.ts';
import { SessionInvites } from '../../lambdas/sessions/session-invites.ts';
import { SessionManager } from '../../lambdas/sessions/session-manager.ts';

/** The services of sessions and invites with keys of the test instead of the secret in AWS. */
export function signedBy(keys: readonly Uint8Array[], { database, timings }: Services) {
  const inviteKeys = async () => keys;
  const sessionsOn: Services['sessionsOn'] = (queryable) =>
    new SessionManager({ database: queryable, timings, inviteKeys });
  const invitesOn: Services['invitesOn'] = (queryable, sessions) =>
    new SessionInvites({ database: queryable, sessions, inviteKeys });
  const sessions = sessionsOn(database);
  return { inviteKeys, sessionsOn, invitesOn, sessions, invites: invitesOn(database, sessions) };
}
