import { randomUUID } from 'node:crypto';
import { v5 as uuidv5 } from 'uuid';
import { displayName } from '../../protocol/names.ts';
import { textProblem } from '../../protocol/text.ts';
import { makeEntry } from '../activity/activity-entry.ts';
import { inviteRefused } from '../activity/activity-events.ts';
import type { Services } from '../services/services.ts';
import { type InviteClaims, readInvite } from '../sessions/invites.ts';
import type { AuthorizerContext } from './caller.ts';

type GuestServices = Pick<Services, 'clock' | 'log' | 'inviteKeys' | 'outbox'>;

/** What a guest brings to the handshake. */
export interface Visitor {
  invite: string;
  name: string;
  /**
   * A secret the browser keeps: with the same one and the same invite a guest who reconnects is the same person. Without
   * it each connection is somebody else.
   */
  guestKey: string | undefined;
  ipAddress: string | undefined;
  userAgent: string | undefined;
}

/**
 * Admits somebody without an account who brings an invite this service signed and that has not expired; whether it was
 * revoked or used up is the join's to say (rule SE7).
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
    userId: guestKey ? uuidv5(guestKey, claims.inviteId) : randomUUID(),
    username,
    guestSessionId: claims.sessionId,
    invite,
  };
}

/**
 * Every refusal of an invite is in the audit trail (rule SE7); here, outside the network of the database, by way of the
 * outbox. One that cannot be noted is a refusal all the same.
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
    services.log.error('A refused invite could not be noted', error as Error);
  }
}
