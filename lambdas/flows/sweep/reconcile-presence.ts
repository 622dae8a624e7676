import type { LeaveCause } from '../../../protocol/entities.ts';
import type { ServerFrame } from '../../../protocol/frames.ts';
import type { Services } from '../../services/services.ts';
import type { PersonWithoutSlot } from '../../sessions/people-without-slot.ts';
import { recordOrLeaveToSweep } from '../journal/departures.ts';
import { endMemberships } from '../leaving/end-memberships.ts';
import { removeFromSession } from '../leaving/remove-from-session.ts';
import { announce, send } from '../presence/announce.ts';

/**
 * Ends the presence of a user who holds no slot: they joined while the session ended or their slot was given back, or the
 * invocation that should remove them was killed (rule FA6).
 *
 * If the session continues and they may be in it, their connection keeps its membership. With their next frame they take a
 * slot again, like every user who returns (rule PR11).
 */
export async function endPresenceWithoutSlot(
  services: Services,
  { sessionId, personId, status, removed }: PersonWithoutSlot,
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
  status: PersonWithoutSlot['status'],
  removed: boolean,
): [LeaveCause, ServerFrame | undefined] {
  if (status === 'expired') {
    return ['session_expired', { type: 'session_expired', sessionId, reason: 'inactivity_timeout' }];
  }
  if (status !== 'active') return ['session_ended', { type: 'session_ended', sessionId, reason: status }];
  if (removed) return ['removed', { type: 'session_removed', sessionId, reason: 'removed' }];
  return ['disconnected', undefined];
}
