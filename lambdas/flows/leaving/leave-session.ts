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
 * Ends the stay of the caller's connection at once (rule PR7). The user leaves with their last connection. The leave is
 * recorded before it is told. If a later frame of the connection was served first, the answer tells what is true now (rule
 * PR18).
 *
 * @throws RollcallError NOT_IN_SESSION for a connection that has not joined. A connection that numbers its frames gets no
 *   error: a join that was sent earlier may still arrive, and then changes nothing.
 */
export async function leaveSession(
  services: Services,
  caller: Caller,
  sessionRef: string,
  turn: Turn = {},
): Promise<PresentState> {
  const sessionId = await sessionToLeave(services, caller, sessionRef, turn);
  try {
    // Before the seat ends: otherwise a frame in flight of this connection finds the membership and takes the seat again.
    const { membership, version } = await services.registry.leave(
      caller.connectionId,
      sessionId,
      turn,
      services.clock(),
    );
    // The time is taken here: this leave gives back the slot of every join before it. A later join asks for the slot again.
    if (membership) await endSeat(services, caller, { sessionId, at: services.clock(), version });
    else if (turn.order === undefined) throw notInSession();
    return { type: 'session_left', sessionId };
  } catch (error) {
    if (error instanceof Overtaken) return presentState(services, caller, sessionId);
    throw error;
  }
}

/** The UUID of the session. Otherwise only connections that joined a session can refer to it by name. */
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
  const seat = { sessionId, userId, connectionId };
  let outcome = await depart(services, seat, leaving);
  if (!outcome) {
    if (await leaveUnseen(services, caller, leaving)) return;
    // Redis may have been slow only once. Without this attempt the user stays visible until their silence is too long.
    outcome = await depart(services, seat, leaving);
  }
  if (!outcome) return scheduleVisit(services, sessionId, at);
  // The sweep records users who were gone already, like all others that it finds.
  const own = outcome.departures.find((departure) => departure.userId === userId && departure.cause === 'left');
  if (own) await recordOrLeaveToSweep(services, sessionId, own, actorOf(caller, sessionId));
  if (outcome.departures.length > 0) await scheduleVisit(services, sessionId, at);
  await announce(services, sessionId, outcome);
}

/** Undefined if Redis does not know the seat: it is away, or it forgot the session. */
async function depart(services: Services, seat: Seat, { at, version }: Leaving): Promise<EndOutcome | undefined> {
  try {
    // Another tab of the user may have joined while Redis was away (rule FA1).
    if (await services.presence.store.isInDoubt()) await bringBack(services, seat.sessionId);
    const outcome = await services.presence.store.depart(seat, 'left', at, version);
    if (!isUnknown(outcome)) return outcome;
    await expireAndRecord(services, seat.sessionId, at);
    const again = await services.presence.store.depart(seat, 'left', at, version);
    return again.removed ? again : undefined;
  } catch (error) {
    if (!isAway(error)) throw error;
    services.log.warn('A store is away; the sweep ends a seat', {
      ...{ sessionId: seat.sessionId, dependency: error.dependency, error: error.cause as Error },
    });
    return undefined;
  }
}

/**
 * Ends the stay if the connection table shows no other connection of the user. The others are told once the sweep finds the
 * seat without a membership (rule FA1).
 *
 * @returns false if another store is away too. That is no error for the client: the connection table has the leave already, so
 *   a repeated leave would find nothing to leave. The sweep records the leave and gives the slot back.
 */
async function leaveUnseen(services: Services, caller: Caller, leaving: Leaving): Promise<boolean> {
  try {
    await concludeLeave(services, caller, leaving);
    return true;
  } catch (error) {
    if (!isAway(error)) throw error;
    services.log.warn('A second store is away; a leave could not be recorded yet', {
      ...{ sessionId: leaving.sessionId, dependency: error.dependency, error: error.cause as Error },
    });
    return false;
  }
}

async function concludeLeave(services: Services, caller: Caller, { sessionId, at, version }: Leaving): Promise<void> {
  const { connectionId, userId } = caller;
  // The index may still show the membership that this leave ended. A later join of the connection has a higher version (rule
  // PR18).
  const isOver = (one: Membership) => one.connectionId === connectionId && (one.version ?? 0) < version;
  const others = (await services.registry.members(sessionId)).filter((one) => !isOver(one));
  if (!others.some((one) => one.userId === userId)) {
    await recordDeparture(services, sessionId, { userId, cause: 'left', at }, actorOf(caller, sessionId));
  }
}
