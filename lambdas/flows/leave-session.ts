import { RollcallError } from '../../protocol/errors.ts';
import type { ServerFrame } from '../../protocol/frames.ts';
import { type FrameOrder, frameOrder } from '../delivery/frame-order.ts';
import { isAway } from '../platform/unavailable.ts';
import { type EndOutcome, isUnknown } from '../presence/outcome.ts';
import type { Seat } from '../presence/presence-store.ts';
import type { Caller } from '../runtime/caller.ts';
import { registry } from '../runtime/delivery.ts';
import { log } from '../runtime/log.ts';
import { presence } from '../runtime/presence.ts';
import { sessions } from '../runtime/sessions.ts';
import { announce } from './announce.ts';
import { actorOf } from './audit.ts';
import { recordDeparture, recordOrLeaveToSweep } from './departures.ts';
import { bringBack } from './recover-presence.ts';
import { isNotInSession, notInSession, sessionIdOf } from './session-ids.ts';
import { expectVisit } from './sweep-waker.ts';
import { settleSession } from './visit-sessions.ts';

/**
 * The caller's connection leaves at once (rule PR7); the user leaves with their last one. It is written down before it is
 * told.
 *
 * Where a later join of the connection was served before, it stands and nothing changes (rule PR18): undefined, so that
 * an `ack` answers. Where the connection has not joined yet, the leave is kept for a join that was sent before it.
 *
 * @throws RollcallError NOT_IN_SESSION for a connection that has not joined and does not number its frames.
 */
export async function leaveSession(
  caller: Caller,
  sessionRef: string,
  order?: number,
): Promise<ServerFrame<'session_left'> | undefined> {
  const { connectionId, userId } = caller;
  const sessionId = await sessionOf(caller, sessionRef);
  const frame = frameOrder(caller, order);
  const last = await registry().lastFrame(connectionId, sessionId);
  // Before the seat: a frame of this connection that is under way must not find the membership and take a seat again.
  // Also where there is none yet: a join that was sent before may still be under way.
  if (!(await registry().leave(connectionId, sessionId, frame))) return undefined;
  const answer = { type: 'session_left', sessionId } as const;
  if (!last || !('userId' in last)) {
    if (order === undefined) throw notInSession();
    return answer;
  }
  const at = Date.now();
  const outcome = await depart({ sessionId, userId, connectionId }, at, frame);
  if (!outcome) {
    await leaveUnseen(caller, sessionId, at);
    return answer;
  }
  // Who was gone already is the sweep's, like everybody else it finds.
  const own = outcome.departures.find((departure) => departure.userId === userId && departure.cause === 'left');
  if (own) await recordOrLeaveToSweep(sessionId, own, actorOf(caller, sessionId));
  if (outcome.departures.length > 0) await expectVisit(sessionId, at);
  await announce(sessionId, outcome);
  return answer;
}

/** A session that the connection has not joined yet may be named, too: its join may still be under way. */
async function sessionOf(caller: Caller, sessionRef: string): Promise<string> {
  try {
    return await sessionIdOf(caller, sessionRef);
  } catch (refusal) {
    if (!isNotInSession(refusal)) throw refusal;
    return sessions()
      .resolveSessionId(sessionRef)
      .catch((error: unknown) => {
        // Whether the session exists is nobody's business who is not in it.
        throw error instanceof RollcallError ? refusal : error;
      });
  }
}

/** Undefined where Redis knows nothing of the seat: it is away, or it forgot the session. */
async function depart(seat: Seat, at: number, frame: FrameOrder): Promise<EndOutcome | undefined> {
  try {
    // Another tab of theirs may have joined where Redis could not hear of it (rule FA1).
    if (await presence().store.isInDoubt()) await bringBack(seat.sessionId);
    const outcome = await presence().store.depart(seat, 'left', at, frame);
    if (!isUnknown(outcome)) return outcome;
    await settleSession(seat.sessionId, at);
    const again = await presence().store.depart(seat, 'left', at, frame);
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
