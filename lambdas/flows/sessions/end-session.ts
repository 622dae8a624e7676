import { v5 as uuidv5 } from 'uuid';
import type { LeaveCause, Session } from '../../../protocol/entities.ts';
import type { ServerFrame } from '../../../protocol/frames.ts';
import type { ActivityParams } from '../../activity/activity-entry.ts';
import { sessionEnded, sessionEndRefused } from '../../activity/activity-events.ts';
import type { Membership } from '../../connections/connection-registry.ts';
import type { Services } from '../../services/services.ts';
import type { Caller } from '../callers/caller.ts';
import { refuseForeignGuest } from '../callers/people.ts';
import { actorOf } from '../journal/audit.ts';
import { auditRefusal } from '../journal/audit-refusal.ts';
import { type Departing, recordAllOrLeaveToSweep } from '../journal/departures.ts';
import { transactWithAudit } from '../journal/transact-with-audit.ts';
import { removeFromSession } from '../leaving/remove-from-session.ts';
import { send } from '../presence/announce.ts';
import { scheduleVisit } from '../scheduling/sweep-waker.ts';

/** The namespace of the entries' ids. Any UUID works, but it must never change. */
const endingNamespace = 'f0a3b1de-1c55-4b0e-8a35-0f6d4e2f9b17';

/**
 * Ends a session for all its users. A second call changes nothing (rule SE9). If an invocation was killed after the end
 * itself, the sweep removes the users who are still present, at once if somebody ends the session again.
 */
export async function endSession(
  services: Services,
  caller: Caller,
  sessionRef: string,
  status: 'completed' | 'failed' | undefined,
): Promise<ServerFrame<'session_ended'>> {
  const { session, ended } = await auditRefusal(services, caller, sessionRef, sessionEndRefused, async () => {
    await refuseForeignGuest(services, caller, sessionRef);
    return transactWithAudit(services, async ({ sessions, audit }) => {
      const done = await sessions.endSession(sessionRef, { status, asker: caller });
      if (done.ended) await audit(endingOf(caller, done.session));
      return done;
    });
  });
  const frame: ServerFrame<'session_ended'> = { type: 'session_ended', sessionId: session.id, reason: session.status };
  if (ended) await emptySession(services, session.id, 'session_ended', frame, caller.connectionId);
  else await scheduleVisit(services, session.id, services.clock());
  return frame;
}

/** A session ends once, so the id of its entry is computed from the id of the session. */
function endingOf(caller: Caller, { id, status }: Session): ActivityParams {
  const outcome = status === 'failed' ? 'failed' : 'completed';
  return { ...sessionEnded(actorOf(caller, id), outcome), activityId: uuidv5(id, endingNamespace) };
}

/**
 * Removes all users from a session that is over and tells them, except the connection that gets the frame as its answer.
 * While Redis is away the connections are found in the registry (rule FA1).
 */
export async function emptySession(
  services: Services,
  sessionId: string,
  cause: Extract<LeaveCause, 'session_ended' | 'session_expired'>,
  frame: ServerFrame,
  exceptConnection?: string,
): Promise<void> {
  const at = services.clock();
  const members = await services.registry.members(sessionId);
  const {
    ended = [],
    departures = [],
    wasKnown,
  } = (await removeFromSession(services, sessionId, undefined, cause, at)) ?? {};
  const concluded = wasKnown ? [] : unseen(members, departures).map((userId): Departing => ({ userId, cause, at }));
  // The index may lack the newest memberships; Redis may lack others.
  const connections = [...new Map([...members, ...ended].map((one) => [one.connectionId, one])).values()];
  const receivers = connections.filter(({ connectionId }) => connectionId !== exceptConnection);
  const leavers = [...departures, ...concluded].map((departing) => ({ departing }));
  await Promise.all([
    recordAllOrLeaveToSweep(services, sessionId, leavers),
    // Whoever is told has no membership any more, so their next frame does not ask for a slot.
    services.registry
      .leaveAll(connections.map(({ connectionId }) => ({ connectionId, sessionId })))
      .finally(() => send(services, receivers, frame)),
  ]);
}

/** Users whom Redis did not return: only the connection table knows them. */
function unseen(members: Membership[], departures: Departing[]): string[] {
  const told = new Set(departures.map(({ userId }) => userId));
  return [...new Set(members.map(({ userId }) => userId))].filter((userId) => !told.has(userId));
}
