import type { Membership } from '../../connections/connection-registry.ts';
import { logFailure } from '../../platform/log-failure.ts';
import { Overtaken } from '../../platform/turn.ts';
import type { EndOutcome } from '../../presence/outcome.ts';
import type { Services } from '../../services/services.ts';
import type { Caller } from '../callers/caller.ts';
import { actorOf } from '../journal/audit.ts';
import { recordOrLeaveToSweep } from '../journal/departures.ts';
import { announce } from '../presence/announce.ts';
import { scheduleVisit } from '../scheduling/sweep-waker.ts';

/**
 * Takes back what a join did before it failed: the membership, the seat with its leave, and a slot that was taken for it
 * (rule FA6). What fails here, too, is left to the sweep, which finds seats without a slot and slots without a seat.
 *
 * A join may fail long after its client gave up on it and joined again: then everything is that join's.
 */
export async function undoSeating(
  services: Services,
  caller: Caller,
  membership: Membership,
  activated: boolean,
): Promise<void> {
  const { sessionId } = membership;
  const isRejoined = (await attempt(services, sessionId, () => services.registry.takeBack(membership))) === false;
  if (isRejoined) return;
  await attempt(services, sessionId, () => unseat(services, caller, membership, activated));
  await attempt(services, sessionId, () => scheduleVisit(services, sessionId, services.clock()));
}

async function attempt<T>(services: Services, sessionId: string, step: () => Promise<T>): Promise<T | undefined> {
  try {
    return await step();
  } catch (error) {
    logFailure(services.log, 'A join that failed could not be undone', error, { sessionId });
    return undefined;
  }
}

async function unseat(services: Services, caller: Caller, membership: Membership, activated: boolean): Promise<void> {
  const { sessionId, userId } = membership;
  const outcome = await depart(services, membership);
  const own = outcome?.departures.find((departure) => departure.userId === userId);
  if (own) await recordOrLeaveToSweep(services, sessionId, own, actorOf(caller, sessionId));
  else if (activated && !(await isPresent(services, membership))) {
    // The join may be in the audit trail already, for example if Redis was away. Then its leave has to be there, too (rule PR9).
    const departing = { userId, cause: 'disconnected', at: services.clock(), isConcluded: true } as const;
    await recordOrLeaveToSweep(services, sessionId, departing, actorOf(caller, sessionId));
  }
  if (outcome) await announce(services, sessionId, outcome);
}

/**
 * Gives back the slot of a join, where the user is not present: a later frame of the connection has decided (rule PR18),
 * and a leave that was written down meanwhile has left the slot to this join.
 *
 * Another connection of the user may have come by it meanwhile: one that sits keeps it, and one that takes its seat
 * afterwards takes the slot again. What fails here is left to the sweep.
 */
export async function releaseSlot(services: Services, membership: Membership): Promise<void> {
  const { sessionId, userId } = membership;
  const joinedUntil = services.clock();
  await attempt(services, sessionId, async () => {
    const isPresent = await services.presence.store.yieldSlot(sessionId, userId, joinedUntil);
    if (isPresent ?? (await isConnected(services, membership))) return;
    await services.sessions.leaveSession(sessionId, userId, 'disconnected', { joinedUntil });
  });
}

/** Whether the connection table has the user in the session. Redis forgot the session and does not say. */
async function isConnected(services: Services, { sessionId, userId }: Membership): Promise<boolean> {
  return (await services.registry.members(sessionId)).some((member) => member.userId === userId);
}

/** Undefined where Redis does not say: then it is the slot that counts. */
async function depart(services: Services, membership: Membership): Promise<EndOutcome | undefined> {
  return services.presence.store
    .depart(membership, 'disconnected', services.clock(), membership.version)
    .catch((error: unknown) => {
      // The seat is a later join's, or a later leave has ended it.
      if (error instanceof Overtaken) return undefined;
      logFailure(services.log, 'A seat could not be ended', error, { sessionId: membership.sessionId });
      return undefined;
    });
}

/** Whether another connection of theirs keeps the slot. */
async function isPresent(services: Services, { sessionId, userId }: Membership): Promise<boolean> {
  return services.presence.store.isPresent(sessionId, userId).catch((error: unknown) => {
    logFailure(services.log, 'Nobody could say who is present', error, { sessionId });
    return false;
  });
}
