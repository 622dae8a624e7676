import { log } from '../../platform/log.ts';
import { isAway } from '../../platform/unavailable.ts';
import { type EndOutcome, isUnknown } from '../../presence/outcome.ts';
import type { Seat } from '../../presence/presence-store.ts';
import { registry } from '../../services/delivery.ts';
import { presence } from '../../services/presence.ts';
import type { Caller } from '../callers/caller.ts';
import { notInSession, sessionIdOf } from '../callers/session-ids.ts';
import { actorOf } from '../journal/audit.ts';
import { recordDeparture, recordOrLeaveToSweep } from '../journal/departures.ts';
import { announce } from '../presence/announce.ts';
import { bringBack } from '../presence/recover-presence.ts';
import { settleSession } from '../presence/visit-sessions.ts';
import { expectVisit } from '../scheduling/sweep-waker.ts';

/**
 * The caller's connection leaves at once (rule PR7); the user leaves with their last one. It is written down before it is
 * told.
 *
 * @returns the session's UUID.
 * @throws RollcallError NOT_IN_SESSION for a connection that has not joined.
 */
export async function leaveSession(caller: Caller, sessionRef: string): Promise<string> {
  const { connectionId, userId } = caller;
  const sessionId = await sessionIdOf(caller, sessionRef);
  if (!(await registry().membership(connectionId, sessionId))) throw notInSession();
  // Before the seat: a frame of this connection that is under way must not find the membership and take a seat again.
  await registry().leave(connectionId, sessionId);
  const at = Date.now();
  const outcome = await depart({ sessionId, userId, connectionId }, at);
  if (!outcome) {
    await leaveUnseen(caller, sessionId, at);
    return sessionId;
  }
  // Who was gone already is the sweep's, like everybody else it finds.
  const own = outcome.departures.find((departure) => departure.userId === userId && departure.cause === 'left');
  if (own) await recordOrLeaveToSweep(sessionId, own, actorOf(caller, sessionId));
  if (outcome.departures.length > 0) await expectVisit(sessionId, at);
  await announce(sessionId, outcome);
  return sessionId;
}

/** Undefined where Redis knows nothing of the seat: it is away, or it forgot the session. */
async function depart(seat: Seat, at: number): Promise<EndOutcome | undefined> {
  try {
    // Another tab of theirs may have joined where Redis could not hear of it (rule FA1).
    if (await presence().store.isInDoubt()) await bringBack(seat.sessionId);
    const outcome = await presence().store.depart(seat, 'left', at);
    if (!isUnknown(outcome)) return outcome;
    await settleSession(seat.sessionId, at);
    const again = await presence().store.depart(seat, 'left', at);
    return again.removed ? again : undefined;
  } catch (error) {
    if (!isAway(error)) throw error;
    log.warn('A seat is left to the sweep, because a store is away', {
      ...{ sessionId: seat.sessionId, dependency: error.dependency, error: error.cause as Error },
    });
    return undefined;
  }
}

/**
 * Whether it was the user's last connection is then the connection table's to say. The others hear of it once the sweep
 * finds the seat without a membership (rule FA1).
 */
async function leaveUnseen(caller: Caller, sessionId: string, at: number): Promise<void> {
  const { connectionId, userId } = caller;
  const others = (await registry().members(sessionId)).filter((one) => one.connectionId !== connectionId);
  if (!others.some((one) => one.userId === userId)) {
    await recordDeparture(sessionId, { userId, cause: 'left', at }, actorOf(caller, sessionId));
  }
}
