import { inviteCreated, inviteRevoked } from '../../activity/activity-events.ts';
import type { Services } from '../../services/services.ts';
import type { CreatedInvite, InviteTerms } from '../../sessions/session-invites.ts';
import type { Caller } from '../callers/caller.ts';
import { refuseForeignGuest } from '../callers/people.ts';
import { actorOf } from '../journal/audit.ts';
import { transactWithAudit } from '../journal/transact-with-audit.ts';

/** Makes an invite for the owner. Every invite is in the audit trail (rule SE7). */
export async function createInvite(
  services: Services,
  caller: Caller,
  sessionRef: string,
  terms: InviteTerms,
): Promise<CreatedInvite> {
  await refuseForeignGuest(services, caller, sessionRef);
  return transactWithAudit(services, async ({ invites, audit }) => {
    const invite = await invites.createInvite(sessionRef, caller, terms);
    await audit(inviteCreated(actorOf(caller, invite.sessionId), invite.inviteId, terms.role));
    return invite;
  });
}

/** Revokes an invite for the owner. True for the call that did it; a second call changes nothing. */
export async function revokeInvite(
  services: Services,
  caller: Caller,
  sessionRef: string,
  inviteId: string,
): Promise<boolean> {
  await refuseForeignGuest(services, caller, sessionRef);
  return transactWithAudit(services, async ({ invites, audit }) => {
    const { sessionId, revoked } = await invites.revokeInvite(sessionRef, caller, inviteId);
    if (revoked) await audit(inviteRevoked(actorOf(caller, sessionId), inviteId));
    return revoked;
  });
}
