import { guestSignedIn } from '../../activity/activity-events.ts';
import { isAway } from '../../platform/unavailable.ts';
import { GuestTakeOver } from '../../presence/guest-take-over.ts';
import type { Receiver } from '../../presence/outcome.ts';
import { newestData } from '../../presence/person-data.ts';
import type { Services } from '../../services/services.ts';
import type { GuestProof } from '../../sessions/guest-identities.ts';
import type { JoinResult } from '../../sessions/join-gate.ts';
import { refusals } from '../../sessions/refusals.ts';
import type { Caller } from '../callers/caller.ts';
import { personOf } from '../callers/people.ts';
import { actorOf } from '../journal/audit.ts';
import { transactWithAudit } from '../journal/transact-with-audit.ts';
import { announce, send } from '../presence/announce.ts';
import { scheduleVisit } from '../scheduling/sweep-waker.ts';
import { inviteEntries, withRefusal } from './ask-for-slot.ts';

/** The slot of a user who signed in, and what the connection table has of the guest. */
export interface SignedInSlot extends JoinResult {
  kept?: string | undefined;
  invisible?: boolean | undefined;
}

/**
 * Lets a user join as the same person who was here as a guest (rule SE15): they keep slot, role, presence, cursor and history. The new
 * identity, the slot and the entries in the audit trail are one transaction.
 *
 * If the invocation is killed after the transaction, the guest has no slot any more, and the next join of the user does the rest.
 *
 * @throws RollcallError PERMISSION_DENIED for a caller without a token; JoinRefused as `GuestIdentities` and `joinSession` do.
 */
export async function signIn(
  services: Services,
  caller: Caller,
  sessionRef: string,
  { guest, invite }: { guest: GuestProof; invite: string | undefined },
): Promise<SignedInSlot> {
  if (caller.guest) throw refusals.guestWithoutToken();
  const { slot, guestId } = await withRefusal(services, caller, () =>
    transactWithAudit(services, async ({ sessions, guests, audit }) => {
      const signedIn = await guests.claim(sessionRef, caller, guest);
      const own = signedIn?.granted ? undefined : (invite ?? guest.invite);
      const joined = await sessions.joinSession({ sessionRef, person: personOf(caller), invite: own });
      const actor = actorOf(caller, joined.session.id);
      if (signedIn?.isFirst) {
        await audit(guestSignedIn(actor, signedIn.guestId, joined.role, signedIn.stayEnded));
      }
      for (const entry of inviteEntries(caller, joined)) await audit(entry);
      return { slot: joined, guestId: signedIn?.guestId };
    }),
  );
  if (guestId === undefined) return slot;
  return { ...slot, ...(await endGuest(services, caller, slot, guestId)) };
}

/** Gives the user what stores have of the guest, and ends the connections of the guest in the session. */
async function endGuest(services: Services, caller: Caller, { session, role }: JoinResult, guestId: string) {
  const memberships = (await services.registry.members(session.id)).filter(({ userId }) => userId === guestId);
  const taken = await takeOver(services, caller, { sessionId: session.id, role, guestId });
  const ended = new Map([...memberships, ...taken].map((one): [string, Receiver] => [one.connectionId, one]));
  await services.registry.leaveAll([...ended.keys()].map((connectionId) => ({ connectionId, sessionId: session.id })));
  const frame = { type: 'session_removed', sessionId: session.id, reason: 'signed_in' } as const;
  if (ended.size > 0) await send(services, [...ended.values()], frame);
  return { kept: newestData(memberships), invisible: memberships.some((one) => one.invisible) || undefined };
}

/**
 * Makes the user present in the place of a guest who is still present, and tells the others.
 *
 * @returns the connections of the guest. None while Redis is away: then the sweep seats the user, and the seats of the guest end.
 */
export async function takeOver(
  services: Services,
  { connectionId, userId, username }: Caller,
  guest: { sessionId: string; role: JoinResult['role']; guestId: string },
): Promise<Receiver[]> {
  const { sessionId } = guest;
  try {
    const presence = new GuestTakeOver(services.redis, services.timings);
    const outcome = await presence.run({ connectionId, userId, username, ...guest }, services.clock());
    if (!outcome) return [];
    await Promise.all([announce(services, sessionId, outcome), scheduleVisit(services, sessionId, services.clock())]);
    return outcome.ended;
  } catch (error) {
    if (!isAway(error, 'redis')) throw error;
    services.log.warn('A guest signed in while Redis was away', { sessionId, userId, error: error.cause as Error });
    return [];
  }
}
