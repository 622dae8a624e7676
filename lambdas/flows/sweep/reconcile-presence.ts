import type { LeaveCause, Role } from '../../../protocol/entities.ts';
import type { ServerFrame } from '../../../protocol/frames.ts';
import type { Services } from '../../services/services.ts';
import type { PresenceDifference } from '../../sessions/presence-differences.ts';
import { recordOrLeaveToSweep } from '../journal/departures.ts';
import { endMemberships } from '../leaving/end-memberships.ts';
import { removeFromSession } from '../leaving/remove-from-session.ts';
import { announce, send } from '../presence/announce.ts';
import { showRole } from '../presence/show-role.ts';

/** Brings the presence of a user in line with PostgreSQL. */
export async function correctPresence(services: Services, difference: PresenceDifference): Promise<void> {
  const { sessionId, personId, role } = difference;
  if (role === null) await endPresenceWithoutSlot(services, difference);
  else await correctShownRole(services, sessionId, personId, role);
}

/**
 * Shows a user with the role that they have now: it was changed while Redis was away, or the invocation that should tell it was killed
 * (rules FA1, FA6).
 */
async function correctShownRole(services: Services, sessionId: string, userId: string, role: Role): Promise<void> {
  await showRole(services, sessionId, userId, role);
  const stay = await services.sessions.getStay(sessionId, userId);
  // Another decision may have been shown just before this one. What is decided after this read is shown later.
  if (stay && stay.leftCause === null && stay.role !== role)
    await correctShownRole(services, sessionId, userId, stay.role);
}

/**
 * Ends the presence of a user who holds no slot: they joined while the session ended or their slot was given back, or the
 * invocation that should remove them was killed (rule FA6).
 *
 * If the session continues and they may be in it, their connection keeps its membership. With their next frame they take a
 * slot again, like every user who returns (rule PR11).
 */
async function endPresenceWithoutSlot(
  services: Services,
  { sessionId, personId, status, removed }: PresenceDifference,
): Promise<void> {
  const [cause, frame] = endingOf(sessionId, status, removed);
  if (frame) await endMemberships(services, sessionId, personId);
  const outcome = await removeFromSession(services, sessionId, personId, cause, services.clock());
  if (!outcome) return;
  await Promise.all(outcome.departures.map((departure) => recordOrLeaveToSweep(services, sessionId, departure)));
  await Promise.all([announce(services, sessionId, outcome), frame && send(services, outcome.ended, frame)]);
}

function endingOf(
  sessionId: string,
  status: PresenceDifference['status'],
  removed: boolean,
): [LeaveCause, ServerFrame | undefined] {
  if (status === 'expired') {
    return ['session_expired', { type: 'session_expired', sessionId, reason: 'inactivity_timeout' }];
  }
  if (status !== 'active') return ['session_ended', { type: 'session_ended', sessionId, reason: status }];
  if (removed) return ['removed', { type: 'session_removed', sessionId, reason: 'removed' }];
  return ['disconnected', undefined];
}
