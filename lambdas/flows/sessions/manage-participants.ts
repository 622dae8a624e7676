import type { Role, SessionParticipant } from '../../../protocol/entities.ts';
import type { ServerFrame } from '../../../protocol/frames.ts';
import type { ActivityParams } from '../../activity/activity-entry.ts';
import { participantRemoved, participantRoleChanged } from '../../activity/activity-events.ts';
import type { Services } from '../../services/services.ts';
import type { Caller } from '../callers/caller.ts';
import { refuseForeignGuest } from '../callers/people.ts';
import { actorOf } from '../journal/audit.ts';
import { type Departing, recordOrLeaveToSweep } from '../journal/departures.ts';
import { type AuditedTransaction, transactWithAudit } from '../journal/transact-with-audit.ts';
import { endMemberships } from '../leaving/end-memberships.ts';
import { removeFromSession } from '../leaving/remove-from-session.ts';
import { announce, send } from '../presence/announce.ts';
import { showRole } from '../presence/show-role.ts';
import { scheduleVisit } from '../scheduling/sweep-waker.ts';

/** Gives a participant another role. It applies from their next message, also on open connections (rule SE8). */
export async function changeRole(
  services: Services,
  caller: Caller,
  sessionRef: string,
  named: string,
  role: Role,
): Promise<void> {
  await refuseForeignGuest(services, caller, sessionRef);
  const participant = await transactWithAudit(services, async ({ sessions, audit }) => {
    const changed = await sessions.setRole(sessionRef, caller, named, role);
    await audit(participantRoleChanged(actorOf(caller, changed.sessionId), idOf(changed), role));
    return changed;
  });
  const { sessionId } = participant;
  const userId = idOf(participant);
  const frame: ServerFrame = { type: 'participant_updated', sessionId, participant };
  const receivers = await showRole(services, sessionId, userId, role);
  await send(services, receivers ?? (await services.registry.members(sessionId)), frame);
}

/** The removal of a participant by the owner. */
export async function removeParticipant(
  services: Services,
  caller: Caller,
  sessionRef: string,
  userId: string,
  reason: string | undefined,
): Promise<void> {
  await refuseForeignGuest(services, caller, sessionRef);
  await removePerson(services, reason, {
    decide: (sessions) => sessions.removeByOwner(sessionRef, caller, userId),
    entry: (sessionId, personId) => participantRemoved(actorOf(caller, sessionId), personId, reason),
  });
}

/** The id of the person about whom was decided: that of the user, if a guest was named who signed in. */
const idOf = ({ userId, anonymousId }: SessionParticipant) => (userId ?? anonymousId)!;

/** Who removes a person. */
export interface Remover {
  /** Takes the slot and the access away, if the remover may do that. Runs in the transaction of the entry. */
  decide(
    sessions: AuditedTransaction['sessions'],
  ): Promise<{ sessionId: string; participant: SessionParticipant | null }>;
  /** The entry of the removal in the audit trail. */
  entry(sessionId: string, personId: string): ActivityParams;
}

/**
 * Removes a participant from a session. Their connections stay open, but have no access to the session any more (rule SE8).
 *
 * @returns false if the person had no access to the session.
 */
export async function removePerson(
  services: Services,
  reason: string | undefined,
  { decide, entry }: Remover,
): Promise<boolean> {
  const { sessionId, participant } = await transactWithAudit(services, async ({ sessions, audit }) => {
    const done = await decide(sessions);
    if (done.participant) await audit(entry(done.sessionId, idOf(done.participant)));
    return done;
  });
  if (!participant) {
    // If an earlier attempt was killed after the transaction, the sweep removes the user from presence.
    await scheduleVisit(services, sessionId, services.clock());
    return false;
  }
  const userId = idOf(participant);
  const memberships = await endMemberships(services, sessionId, userId);
  const at = services.clock();
  const outcome = await removeFromSession(services, sessionId, userId, 'removed', at);
  const seen: Departing[] = outcome?.departures ?? [];
  // If Redis did not know the user, only the connection table does.
  const isUnseen =
    !outcome?.wasKnown && memberships.length > 0 && !seen.some((departure) => departure.userId === userId);
  const departures = isUnseen ? [...seen, { userId, cause: 'removed' as const, at }] : seen;
  await Promise.all(departures.map((departure) => recordOrLeaveToSweep(services, sessionId, departure)));
  const frame: ServerFrame = { type: 'session_removed', sessionId, reason: reason ?? 'removed' };
  await Promise.all([
    outcome && announce(services, sessionId, outcome),
    send(services, outcome?.ended ?? memberships, frame),
  ]);
  return true;
}
