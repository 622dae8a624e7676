import { randomUUID } from 'node:crypto';
import { displayName } from '../../protocol/names.ts';
import { textProblem } from '../../protocol/text.ts';
import { makeEntry } from '../activity/activity-entry.ts';
import { inviteRefused } from '../activity/activity-events.ts';
import type { Services } from '../services/services.ts';
import { guestIdOf, type InviteClaims, readInvite } from '../sessions/invites.ts';
import type { AuthorizerContext } from './caller.ts';

type GuestServices = Pick<Services, 'clock' | 'log' | 'inviteKeys' | 'outbox'>;

/** The credentials of a guest in a handshake. */
export interface Visitor {
  invite: string;
  name: string;
  /**
   * A secret that the browser keeps. A guest who reconnects with the same secret and the same invite is the same
   * participant. Without it, each connection is a new participant.
   */
  guestKey: string | undefined;
  ipAddress: string | undefined;
  userAgent: string | undefined;
}

/**
 * Admits a guest if this service signed the invite and the invite has not expired. The join checks whether it was revoked or
 * used up (rule SE7).
 */
export async function admitGuest(services: GuestServices, visitor: Visitor): Promise<AuthorizerContext | undefined> {
  const { invite, guestKey } = visitor;
  if (guestKey !== undefined && textProblem(guestKey)) return undefined;
  const username = displayName(visitor.name) || 'Guest';
  const claims = await readInvite(invite, await services.inviteKeys());
  if (!claims) return undefined;
  if (claims.expiresAt <= services.clock()) {
    await noteRefusal(services, claims, { ...visitor, username });
    return undefined;
  }
  return {
    userId: guestKey ? guestIdOf(guestKey, claims.inviteId) : randomUUID(),
    username,
    guestSessionId: claims.sessionId,
    inviteId: claims.inviteId,
    invite,
  };
}

/**
 * Records the refusal of an invite (rule SE7). The authorizer cannot reach the database, so the entry goes to the outbox. If
 * it cannot be recorded, the invite is still refused.
 */
async function noteRefusal(
  services: GuestServices,
  { sessionId, inviteId }: InviteClaims,
  visitor: Visitor & { username: string },
) {
  const { username, ipAddress = null, userAgent = null } = visitor;
  const actor = { sessionId, userId: null, username, ipAddress, userAgent };
  try {
    await services.outbox.put([makeEntry(inviteRefused(actor, 'expired', inviteId), services.clock())]);
  } catch (error) {
    services.log.error('A refused invite could not be recorded', error as Error);
  }
}
