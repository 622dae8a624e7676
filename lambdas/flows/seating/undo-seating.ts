import type { Membership } from '../../connections/connection-registry.ts';
import { logFailure } from '../../platform/log-failure.ts';
import { Overtaken } from '../../platform/turn.ts';
import type { Services } from '../../services/services.ts';
import { actorOf } from '../journal/audit.ts';
import { recordOrLeaveToSweep } from '../journal/departures.ts';
import { announce } from '../presence/announce.ts';
import { scheduleVisit } from '../scheduling/sweep-waker.ts';
import { stopUndo } from './run-steps.ts';
import type { Join } from './seating.ts';

/**
 * Takes the membership back. A join may fail long after its client gave up and joined again. Then a later join has written
 * the membership, and everything belongs to that join: the rest of the undo does not run.
 */
export async function takeMembershipBack({ services, membership }: Join): Promise<typeof stopUndo | undefined> {
  return (await services.registry.takeBack(membership)) === false ? stopUndo : undefined;
}

/**
 * Ends the seat in Redis, unless it belongs to a later join or a later leave has ended it. The undo counts as the leave after
 * the join. So a session that is rebuilt at this moment does not seat the connection again.
 */
export async function endSeat(join: Join): Promise<void> {
  const { services, membership } = join;
  try {
    const now = services.clock();
    const version = membership.version === undefined ? undefined : membership.version + 1;
    join.ended = await services.presence.store.depart(membership, join.endCause ?? 'disconnected', now, version);
  } catch (error) {
    if (error instanceof Overtaken) return;
    logFailure(services.log, 'A seat could not be ended', error, { sessionId: membership.sessionId });
  }
}

/** Records the leave, which gives the slot back, and then tells it. Another connection of the user keeps the slot. */
export async function recordLeave(join: Join): Promise<void> {
  const { services, caller, seating, membership, ended, endCause: cause = 'disconnected' } = join;
  const { sessionId, userId } = membership;
  const own = ended?.departures.find((departure) => departure.userId === userId);
  if (own) await recordOrLeaveToSweep(services, sessionId, own, actorOf(caller, sessionId));
  else if (seating.activated && !(await isPresent(services, membership))) {
    // The arrival may be in the audit trail already, for example if Redis was away. Then its leave has to be there, too (rule PR9).
    const departing = { userId, cause, at: services.clock(), isConcluded: true };
    await recordOrLeaveToSweep(services, sessionId, departing, actorOf(caller, sessionId));
  }
  if (ended) await announce(services, sessionId, ended);
}

/** Makes the sweep look at the session now: it finishes what the undo could not do. */
export async function scheduleVisitNow({ services, membership: { sessionId } }: Join): Promise<void> {
  await scheduleVisit(services, sessionId, services.clock());
}

/**
 * Gives back the slot of a join that a later frame of its connection has overtaken (rule PR18), if its user is not present. A
 * leave that was recorded meanwhile did not give the slot back, because this join had asked for it.
 *
 * Another connection of the user may use the slot: if it is seated, it keeps the slot; if it is seated later, it takes the
 * slot again. The sweep gives back what this function could not.
 */
export async function releaseSlot(services: Services, membership: Membership): Promise<void> {
  const { sessionId, userId } = membership;
  const joinedUntil = services.clock();
  try {
    const isPresent = await services.presence.store.yieldSlot(sessionId, userId, joinedUntil);
    if (isPresent ?? (await isConnected(services, membership))) return;
    await services.sessions.leaveSession(sessionId, userId, 'disconnected', { joinedUntil });
  } catch (error) {
    logFailure(services.log, 'A slot could not be given back; the sweep does it', error, { sessionId });
  }
}

/** Whether the connection table has the user in the session. Redis forgot the session and cannot tell. */
async function isConnected(services: Services, { sessionId, userId }: Membership): Promise<boolean> {
  return (await services.registry.members(sessionId)).some((member) => member.userId === userId);
}

/** Whether another connection of the user is present. False if Redis cannot tell: then the slot has to be given back. */
async function isPresent(services: Services, { sessionId, userId }: Membership): Promise<boolean> {
  return services.presence.store.isPresent(sessionId, userId).catch((error: unknown) => {
    logFailure(services.log, 'Redis could not tell who is present', error, { sessionId });
    return false;
  });
}
