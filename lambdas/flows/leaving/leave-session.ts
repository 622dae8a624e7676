import { RollcallError } from '../../../protocol/errors.ts';
import type { Membership } from '../../connections/membership.ts';
import { Overtaken, type Turn } from '../../platform/turn.ts';
import { isAway } from '../../platform/unavailable.ts';
import { type EndOutcome, isUnknown } from '../../presence/outcome.ts';
import type { Seat } from '../../presence/presence-store.ts';
import type { Services } from '../../services/services.ts';
import type { Caller } from '../callers/caller.ts';
import { notInSession, sessionIdOf } from '../callers/session-ids.ts';
import { type PresentState, presentState } from '../frames/present-state.ts';
import { actorOf } from '../journal/audit.ts';
import { recordDeparture, recordOrLeaveToSweep } from '../journal/departures.ts';
import { announce } from '../presence/announce.ts';
import { bringBack } from '../presence/recover-presence.ts';
import { expireAndRecord } from '../presence/visit-sessions.ts';
import { scheduleVisit } from '../scheduling/sweep-waker.ts';

/**
 * The caller's connection leaves at once (rule PR7); the user leaves with their last one. It is written down before it is
 * told. Where a later frame of the connection has decided already, the answer is what is true (rule PR18).
 *
 * @throws RollcallError NOT_IN_SESSION for a connection that has not joined, unless it numbers its frames: then a join that
 *   was sent before may still come, and changes nothing.
 */
export async function leaveSession(
  services: Services,
  caller: Caller,
  sessionRef: string,
  turn: Turn = {},
): Promise<PresentState> {
  const sessionId = await sessionToLeave(services, caller, sessionRef, turn);
  try {
    // Before the seat: a frame of this connection that is under way must not find the membership and take a seat again.
    const { membership, version } = await services.registry.leave(
      caller.connectionId,
      sessionId,
      turn,
      services.clock(),
    );
    // The time is taken here: the slot goes with every join that asked for it before. A later one asks again.
    if (membership) await endSeat(services, caller, { sessionId, at: services.clock(), version });
    else if (turn.order === undefined) throw notInSession();
    return { type: 'session_left', sessionId };
  } catch (error) {
    if (error instanceof Overtaken) return presentState(services, caller, sessionId);
    throw error;
  }
}

/** The UUID of the session. By its name a session is otherwise known only to connections that joined it. */
async function sessionToLeave(
  services: Services,
  caller: Caller,
  sessionRef: string,
  { order }: Turn,
): Promise<string> {
  try {
    return await sessionIdOf(services, caller, sessionRef);
  } catch (error) {
    if (order === undefined || !(error instanceof RollcallError && error.code === 'NOT_IN_SESSION')) throw error;
    return services.sessions.resolveSessionId(sessionRef).catch((unknown) => {
      throw unknown instanceof RollcallError && unknown.code === 'SESSION_NOT_FOUND' ? error : unknown;
    });
  }
}

interface Leaving {
  sessionId: string;
  /** Unix milliseconds. */
  at: number;
  /** See `Membership.version`. */
  version: number;
}

async function endSeat(services: Services, caller: Caller, leaving: Leaving): Promise<void> {
  const { sessionId, at } = leaving;
  const { connectionId, userId } = caller;
  const outcome = await depart(services, { sessionId, userId, connectionId }, leaving);
  if (!outcome) return leaveUnseen(services, caller, leaving);
  // Who was gone already is the sweep's, like everybody else it finds.
  const own = outcome.departures.find((departure) => departure.userId === userId && departure.cause === 'left');
  if (own) await recordOrLeaveToSweep(services, sessionId, own, actorOf(caller, sessionId));
  if (outcome.departures.length > 0) await scheduleVisit(services, sessionId, at);
  await announce(services, sessionId, outcome);
}

/** Undefined where Redis knows nothing of the seat: it is away, or it forgot the session. */
async function depart(services: Services, seat: Seat, { at, version }: Leaving): Promise<EndOutcome | undefined> {
  try {
    // Another tab of theirs may have joined where Redis could not hear of it (rule FA1).
    if (await services.presence.store.isInDoubt()) await bringBack(services, seat.sessionId);
    const outcome = await services.presence.store.depart(seat, 'left', at, version);
    if (!isUnknown(outcome)) return outcome;
    await expireAndRecord(services, seat.sessionId, at);
    const again = await services.presence.store.depart(seat, 'left', at, version);
    return again.removed ? again : undefined;
  } catch (error) {
    if (!isAway(error)) throw error;
    services.log.warn('A seat is left to the sweep, because a store is away', {
      ...{ sessionId: seat.sessionId, dependency: error.dependency, error: error.cause as Error },
    });
    return undefined;
  }
}

/**
 * Whether it was the user's last connection is then the connection table's to say. The others hear of it once the sweep
 * finds the seat without a membership (rule FA1).
 */
async function leaveUnseen(services: Services, caller: Caller, { sessionId, at, version }: Leaving): Promise<void> {
  const { connectionId, userId } = caller;
  // The index may still show what this leave ended. A later join of this connection has a higher version (rule PR18).
  const isOver = (one: Membership) => one.connectionId === connectionId && (one.version ?? 0) < version;
  const others = (await services.registry.members(sessionId)).filter((one) => !isOver(one));
  if (!others.some((one) => one.userId === userId)) {
    await recordDeparture(services, sessionId, { userId, cause: 'left', at }, actorOf(caller, sessionId));
  }
}
