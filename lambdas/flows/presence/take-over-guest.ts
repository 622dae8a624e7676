import type { Role } from '../../../protocol/entities.ts';
import type { Membership } from '../../connections/connection-registry.ts';
import { isAway } from '../../platform/unavailable.ts';
import { GuestTakeOver, type TakeOverOutcome, type TakingOver } from '../../presence/guest-take-over.ts';
import type { Services } from '../../services/services.ts';
import type { Caller } from '../callers/caller.ts';
import { scheduleVisit } from '../scheduling/sweep-waker.ts';
import { announce } from './announce.ts';

/**
 * Makes the user present in the place of a guest who is still present, and tells the others (rule SE15).
 *
 * @returns undefined if Redis does not know the session, or is away. Then it is done when the user is seated later.
 */
async function takeOver(services: Services, user: TakingOver): Promise<TakeOverOutcome | undefined> {
  const { sessionId, userId } = user;
  try {
    const outcome = await new GuestTakeOver(services.redis, services.timings).run(user, services.clock());
    if (!outcome) return undefined;
    await Promise.all([announce(services, sessionId, outcome), scheduleVisit(services, sessionId, services.clock())]);
    return outcome;
  } catch (error) {
    if (!isAway(error, 'redis')) throw error;
    services.log.warn('A guest signed in while Redis was away', { sessionId, userId, error: error.cause as Error });
    return undefined;
  }
}

/** Does this for a caller who may have been a guest, before their connection takes its seat. */
export async function takeOverOf(
  services: Services,
  { connectionId, userId, username }: Caller,
  sessionId: string,
  { role, guestId }: { role: Role; guestId?: string | undefined },
): Promise<TakeOverOutcome | undefined> {
  if (guestId === undefined) return undefined;
  return takeOver(services, { connectionId, sessionId, userId, username, role, guestId });
}

/** Does this for the members who signed in while Redis was away, and seats them. It must run before others restore their seats. */
export async function takeOverGuests(services: Services, members: readonly Membership[]): Promise<void> {
  for (const { guestId, sessionId, userId, ...member } of members) {
    if (guestId === undefined) continue;
    const taken = await takeOver(services, { ...member, sessionId, userId, guestId });
    // Redis may also have done it when it was back, although the sign-in did not get its answer.
    if (!taken?.waits) continue;
    const acting = { ...member, guestId, requestedAt: member.joinedAt, arrivalState: 'written' as const };
    await announce(services, sessionId, await services.presence.enter(sessionId, userId, acting));
  }
}
