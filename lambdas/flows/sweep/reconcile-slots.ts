import type { Timings } from '../../../protocol/timings.ts';
import type { Services } from '../../services/services.ts';
import { recordDeparture } from '../journal/departures.ts';
import { expireAndRecord, refreshMillis } from '../presence/visit-sessions.ts';

/** Slots looked at in one run; the next one goes on. */
const slotsPerRun = 200;
/** Who is present is written down at least every `refreshMillis`: after this long a silent slot is nobody's. */
const silentMillis = (timings: Timings) => 2 * timings.offlineAfterMillis + 2 * refreshMillis(timings);

/**
 * Gives back the slots of people who are nowhere present any more: a departure that was lost between Redis and
 * PostgreSQL, because an invocation was killed or Redis forgot, must not keep a slot for ever.
 *
 * @throws RollcallError UNAVAILABLE while Redis is away: then nobody knows who is present.
 */
export async function reconcileSlots(services: Services, now: number): Promise<number> {
  const silent = await services.sweepQueries.silentParticipants(now - silentMillis(services.timings), slotsPerRun);
  let lost = 0;
  for (const { sessionId, personId, lastSeenAt } of silent) {
    const { store } = services.presence;
    const isPresent = () => store.isPresent(sessionId, personId);
    if (await isPresent()) continue;
    // Redis may hold the true end of this stay still, or may have to be told again who is connected.
    const { recorded } = await expireAndRecord(services, sessionId, now);
    if (!recorded || (await isPresent())) continue;
    // As of the moment they were late, or just after they came where nobody saw them since.
    const last = await services.activity.lastMovement(sessionId, personId);
    const cameAt = last?.type === 'user_joined' ? last.at : 0;
    const at = Math.max(lastSeenAt + services.timings.offlineAfterMillis, cameAt + 1);
    await recordDeparture(services, sessionId, { userId: personId, cause: 'timeout', at, isConcluded: true });
    lost += 1;
  }
  return lost;
}
