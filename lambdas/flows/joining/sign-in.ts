import { guestSignedIn } from '../../activity/activity-events.ts';
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
import { send } from '../presence/announce.ts';
import { takeOverOf } from '../presence/take-over-guest.ts';
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
 * If the invocation is killed after the transaction, the guest has no slot any more, and the next join of the user does the rest. If
 * Redis is away, the sweep or the next frame of the user does it.
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
  const taken = await takeOverOf(services, caller, session.id, { role, guestId });
  const ended = new Map(
    [...memberships, ...(taken?.ended ?? [])].map((one): [string, Receiver] => [one.connectionId, one]),
  );
  await services.registry.leaveAll([...ended.keys()].map((connectionId) => ({ connectionId, sessionId: session.id })));
  const frame = { type: 'session_removed', sessionId: session.id, reason: 'signed_in' } as const;
  if (ended.size > 0) await send(services, [...ended.values()], frame);
  return { kept: newestData(memberships), invisible: memberships.some((one) => one.invisible) || undefined };
}
