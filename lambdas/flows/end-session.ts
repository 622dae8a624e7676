import { v5 as uuidv5 } from 'uuid';
import type { LeaveCause, Session } from '../../protocol/entities.ts';
import type { ServerFrame } from '../../protocol/frames.ts';
import type { ActivityParams } from '../activity/activity-entry.ts';
import { sessionEnded } from '../activity/activity-events.ts';
import type { Membership } from '../delivery/connection-registry.ts';
import { isUnknown, type Receiver } from '../presence/outcome.ts';
import { isAway } from '../presence/redis-failure.ts';
import type { Caller } from '../runtime/caller.ts';
import { registry } from '../runtime/delivery.ts';
import { log } from '../runtime/log.ts';
import { presence } from '../runtime/presence.ts';
import { send } from './announce.ts';
import { actorOf } from './audit.ts';
import { decide } from './decide.ts';
import { type Departing, recordOrLeaveToSweep } from './departures.ts';
import { expectVisit } from './sweep-waker.ts';

/** Any UUID would do; it only has to be this one for ever. */
const endingNamespace = 'f0a3b1de-1c55-4b0e-8a35-0f6d4e2f9b17';

/**
 * Ends a session for everybody in it; a second time it only answers (rule SE9). Where an invocation was killed after the
 * end itself, the sweep takes out who is still there, at once where somebody tries again.
 */
export async function endSession(
  caller: Caller,
  sessionRef: string,
  status: 'completed' | 'failed' | undefined,
): Promise<ServerFrame<'session_ended'>> {
  const { session, ended } = await decide(async ({ sessions, audit }) => {
    const done = await sessions.endSession(sessionRef, { status, actorId: caller.userId });
    if (done.ended) await audit(endingOf(caller, done.session));
    return done;
  });
  const frame: ServerFrame<'session_ended'> = { type: 'session_ended', sessionId: session.id, reason: session.status };
  if (ended) await emptySession(session.id, 'session_ended', frame, caller.connectionId);
  else await expectVisit(session.id, Date.now());
  return frame;
}

/** A session ends once, so its entry's id follows from the session's. */
function endingOf(caller: Caller, { id, status }: Session): ActivityParams {
  const outcome = status === 'failed' ? 'failed' : 'completed';
  return { ...sessionEnded(actorOf(caller, id), outcome), activityId: uuidv5(id, endingNamespace) };
}

/**
 * Takes everybody out of a session that is over and tells them, except the connection that gets it as its answer. While
 * Redis is away the connections are found in the registry (rule FA1).
 */
export async function emptySession(
  sessionId: string,
  cause: Extract<LeaveCause, 'session_ended' | 'session_expired'>,
  frame: ServerFrame,
  exceptConnection?: string,
): Promise<void> {
  const at = Date.now();
  const members = await registry().members(sessionId);
  const present = await evictAll(sessionId, cause, at, members);
  const receivers = new Map([...members, ...present.ended].map((member) => [member.connectionId, member]));
  if (exceptConnection) receivers.delete(exceptConnection);
  await Promise.all([
    registry().leaveAll(members),
    ...present.departures.map((departure) => recordOrLeaveToSweep(sessionId, departure)),
  ]);
  await send([...receivers.values()], frame);
}

/** Who was there, by Redis or, while it is away or knows nothing, by the connection table; its keys then run out by themselves. */
async function evictAll(
  sessionId: string,
  cause: LeaveCause,
  at: number,
  members: Membership[],
): Promise<{ ended: Receiver[]; departures: Departing[] }> {
  try {
    const outcome = await presence().store.evict(sessionId, undefined, cause, at);
    if (!isUnknown(outcome)) return outcome;
  } catch (error) {
    if (!isAway(error)) throw error;
    log.warn('A session ended while Redis was away', { sessionId, error: error.cause as Error });
  }
  const userIds = [...new Set(members.map((member) => member.userId))];
  return { ended: [], departures: userIds.map((userId): Departing => ({ userId, cause, at })) };
}
