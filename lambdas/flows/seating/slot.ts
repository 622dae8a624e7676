import type { Membership } from '../../connections/connection-registry.ts';
import { isAway } from '../../platform/unavailable.ts';
import type { OwnState } from '../../presence/person-data.ts';
import type { Services } from '../../services/services.ts';
import type { Caller } from '../callers/caller.ts';
import { personOf } from '../callers/people.ts';
import { confirmStay } from './confirm-stay.ts';
import type { Join, Seating } from './seating.ts';

/** Takes the slot of the user, unless they hold one. */
export async function holdSlot(join: Join): Promise<void> {
  join.seating = await join.takeSlot();
  join.membership = membershipOf(join.services, join.caller, join.seating);
  join.hasWritten = join.seating.activated;
}

/** Looks whether the user still has the slot and the role that step 1 found, and takes the slot again if they may lack it. */
export async function confirmSlot(join: Join): Promise<void> {
  await confirmStay(join);
  await retakeSlot(join);
}

/**
 * Takes the slot again for a user who held it before and now joins with their first connection. Their last connection has
 * just gone, and the invocation that records this leave may give back the slot that this join found (rule SE3).
 *
 * @throws JoinRefused if another user took the slot meanwhile, or the session is over.
 */
async function retakeSlot(join: Join): Promise<void> {
  const { services, caller, outcome, membership } = join;
  // While Redis is away, nothing tells whether this is the first connection of the user.
  join.hasRetakenSlot = join.lacksSlot || ((outcome?.first ?? true) && mayLackSlot(join));
  if (!join.hasRetakenSlot) return;
  const { sessionId, userId } = membership;
  try {
    if (caller.agent) await join.takeSlot();
    else {
      const person = personOf(caller);
      await services.sessions.joinSession({ sessionRef: sessionId, person, invite: caller.guest?.invite });
    }
  } catch (error) {
    if (!isAway(error, 'database')) throw error;
    services.log.warn('A user joined while PostgreSQL was away', { sessionId, userId, error: error.cause as Error });
  }
}

/** Whether the slot may have been given back since the join asked for it. */
function mayLackSlot({ seating: { activated, unasked }, isFirst }: Join): boolean {
  // If the connection joined before, that earlier join may be overtaken only now, and give back the slot.
  return !unasked && (!activated || !isFirst);
}

function membershipOf(
  services: Services,
  caller: Caller,
  { session, role, ownState, kept, guestId, ...known }: Seating,
): Membership {
  const { id, sessionId, metadata } = session;
  const { connectionId, userId, username, claim, agent } = caller;
  const cursorRole = metadata?.visibility?.cursors;
  const invisible = ownState?.status === undefined ? known.invisible : ownState.status === 'offline';
  const choices = { ...(cursorRole ? { cursorRole } : {}), ...(invisible === undefined ? {} : { invisible }) };
  const person = {
    ...{ userId, username, role, ...(claim ? { claimedRole: role } : {}), ...choices },
    ...(guestId ? { guestId } : {}),
    ...(agent ? { agent } : {}),
  };
  const joinedAt = services.clock();
  const data = kept ?? firstData(ownState);
  // One millisecond earlier, so that what Redis computes from the same join counts as newer.
  const dataFields = data === undefined ? {} : { data, dataAt: joinedAt - 1 };
  return { connectionId, sessionId: id, sessionName: sessionId, ...person, ...dataFields, joinedAt };
}

/** The data of a user who had none before, as JSON. */
function firstData({ data }: OwnState = {}): string | undefined {
  const kept = Object.entries(data ?? {}).filter(([, value]) => value !== null);
  return kept.length > 0 ? JSON.stringify(Object.fromEntries(kept)) : undefined;
}
