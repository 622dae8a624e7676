import type { ActivityContext } from '../../activity/activity-entry.ts';
import { isAway } from '../../platform/unavailable.ts';
import type { Arrival, EnterOutcome } from '../../presence/outcome.ts';
import { hasKeys } from '../../presence/person-data.ts';
import type { Services } from '../../services/services.ts';
import { recordArrival } from '../journal/arrivals.ts';
import { actorOf } from '../journal/audit.ts';
import { announce } from '../presence/announce.ts';
import { rememberChoice } from '../presence/remember-choice.ts';
import { rememberData } from '../presence/remember-data.ts';
import { scheduleVisit } from '../scheduling/sweep-waker.ts';
import { firstVisitMillis, type Join } from './seating.ts';
import { releaseSlot } from './undo-seating.ts';

/** Records the arrival, tells the others, and shares what the user chose among their connections, in parallel. */
export async function recordAndTell(join: Join): Promise<void> {
  const { services, membership, outcome } = join;
  await Promise.all([
    // A leave may have ended the seat, and given back the slot, before the slot was taken again.
    join.hasRetakenSlot && releaseSlot(services, membership),
    record(join),
    outcome && tell(join, outcome),
    outcome && share(join, outcome),
  ]);
}

/**
 * Records the arrival. Redis decides whether this is an arrival, as it decides what is a leave: the slot alone does not tell,
 * because it may outlast a leave that is being recorded.
 */
async function record({ services, caller, membership, seating, outcome }: Join): Promise<void> {
  const { sessionId, joinedAt } = membership;
  const actor = actorOf(caller, sessionId);
  if (outcome?.arrival) {
    await recordOrLeaveToSweep(services, sessionId, outcome.arrival, actor);
  } else if (!outcome && seating.activated && !seating.isWritten) {
    // Another connection of the user may have reached Redis meanwhile and recorded the arrival.
    const arriving = { ...membership, at: joinedAt, after: joinedAt - 1, mayBeLater: true, certain: true };
    await recordArrival(services, sessionId, arriving, actor);
  }
}

/**
 * Records an arrival that is in the movement journal. If a store is away, the join succeeds and the sweep records the
 * arrival: an undo would look like a leave to the others.
 */
async function recordOrLeaveToSweep(
  services: Services,
  sessionId: string,
  arrival: Arrival,
  actor: ActivityContext,
): Promise<void> {
  try {
    const isStored = await recordArrival(services, sessionId, arrival, actor);
    if (isStored) await services.presence.store.forget(sessionId, [arrival]);
  } catch (error) {
    if (!isAway(error)) throw error;
    services.log.warn('An arrival could not be recorded yet', { sessionId, error: error.cause as Error });
    await scheduleVisit(services, sessionId, services.clock());
  }
}

/** Tells the others. The sweep records leaves that the script of the join found. */
async function tell(join: Join, outcome: EnterOutcome): Promise<void> {
  const { services, membership, corrections } = join;
  const { sessionId, joinedAt } = membership;
  const deadline = outcome.leaves.length > 0 ? joinedAt : joinedAt + firstVisitMillis(services.timings);
  await Promise.all([scheduleVisit(services, sessionId, deadline), announce(services, sessionId, outcome)]);
  for (const correction of corrections) await announce(services, sessionId, correction);
}

/**
 * Gives all connections of a user the same choices and data: this one gets those of the others, and the others get those that
 * this join sets (rules PR5, PR16).
 */
async function share(join: Join, { users, changedData }: EnterOutcome): Promise<void> {
  const { services, caller, membership, seenAt } = join;
  const { ownState } = join.seating;
  const { sessionId, userId, joinedAt } = membership;
  const own = users.find((user) => user.userId === userId);
  if (own?.status === 'offline' && !membership.invisible) await services.registry.inheritInvisible(membership, seenAt);
  if (ownState?.status !== undefined && own && own.connections > 1) {
    await rememberChoice(services, caller, sessionId, ownState.status, joinedAt);
  }
  const isShared = Boolean(changedData?.isShared) && hasKeys(ownState?.data);
  if (changedData && (isShared || changedData.text !== membership.data))
    await rememberData(services, membership, { ...changedData, isShared });
}
