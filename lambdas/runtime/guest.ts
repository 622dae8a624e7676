import { randomUUID } from 'node:crypto';
import { v5 as uuidv5 } from 'uuid';
import { readInvite } from '../sessions/invites.ts';
import type { AuthorizerContext } from './caller.ts';
import { displayName } from './identity.ts';
import { inviteKeys } from './invite-keys.ts';

/**
 * Admits somebody without an account who brings an invite this service signed and that has not expired; whether it was
 * revoked or used up is the join's to say (rule SE7).
 *
 * @param guestKey a secret the browser keeps: with the same one and the same invite a guest who reconnects is the same
 *   person. Without it each connection is somebody else.
 */
export async function admitGuest(
  invite: string,
  name: string,
  guestKey: string | undefined,
): Promise<AuthorizerContext | undefined> {
  const claims = await readInvite(invite, await inviteKeys()());
  if (!claims || claims.expiresAt <= Date.now()) return undefined;
  return {
    userId: guestKey ? uuidv5(guestKey, claims.inviteId) : randomUUID(),
    username: displayName(name) || 'Guest',
    guestSessionId: claims.sessionId,
    invite,
  };
}
