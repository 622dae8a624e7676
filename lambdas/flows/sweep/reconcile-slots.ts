import type { Timings } from '../../../protocol/timings.ts';
import { isAway } from '../../platform/unavailable.ts';
import type { Services } from '../../services/services.ts';
import type { SilentParticipant } from '../../sessions/silent-participants.ts';
import { recordDeparture } from '../journal/departures.ts';
import { expireAndRecord, refreshMillis } from '../presence/visit-sessions.ts';

/** Slots that one run checks. The next run continues. */
const slotsPerRun = 200;
/**
 * The times of present users are written at least every `refreshMillis`. So a slot without a sign of life for longer than
 * this belongs to no present user.
 */
const silentMillis = (timings: Timings) => 2 * timings.offlineAfterMillis + 2 * refreshMillis(timings);

/**
 * Gives back the slots of users who are not present any more. A departure can be lost between Redis and PostgreSQL, because
 * an invocation was killed or Redis lost its data. It must not keep a slot for ever.
 *
 * @throws RollcallError UNAVAILABLE while Redis is away, because then it is not known who is present.
 */
export async function reconcileSlots(services: Services, now: number): Promise<number> {
  const before = now - silentMillis(services.timings);
  let lost = 0;
  for (const silent of await services.sweepQueries.silentParticipants(before, slotsPerRun, now)) {
    try {
      if (await giveBackIfLost(services, silent, now)) lost += 1;
    } catch (error) {
      if (isAway(error)) throw error;
      // The slots that are silent longest come first. One that always fails must not block the others.
      await services.sweepQueries.setSlotAside(silent.sessionId, silent.personId, error, now);
    }
  }
  return lost;
}

async function giveBackIfLost(
  services: Services,
  { sessionId, personId, lastSeenAt }: SilentParticipant,
  now: number,
): Promise<boolean> {
  const isPresent = () => services.presence.store.isPresent(sessionId, personId);
  if (await isPresent()) return false;
  // Redis may still have the real end of this stay, or may have to be rebuilt first.
  const { recorded } = await expireAndRecord(services, sessionId, now);
  if (!recorded || (await isPresent())) return false;
  // The time of the leave is the end of the time-out. If the user gave no sign of life after the join, it is just after the
  // join.
  const last = await services.activity.lastMovement(sessionId, personId);
  const cameAt = last?.type === 'user_joined' ? last.at : 0;
  const at = Math.max(lastSeenAt + services.timings.offlineAfterMillis, cameAt + 1);
  await recordDeparture(services, sessionId, { userId: personId, cause: 'timeout', at, isConcluded: true });
  return true;
}
