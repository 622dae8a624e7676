import type { Role, Session } from '../../protocol/entities.ts';
import { userJoined } from '../activity/activity-events.ts';
import type { EnterOutcome } from '../presence/outcome.ts';
import type { Caller } from '../runtime/caller.ts';
import { registry } from '../runtime/delivery.ts';
import { presence } from '../runtime/presence.ts';
import { sessions } from '../runtime/sessions.ts';
import { timings } from '../runtime/timings.ts';
import { announce } from './announce.ts';
import { actorOf, audit } from './audit.ts';
import { recordDeparture } from './departures.ts';
import { expectVisit } from './sweep-waker.ts';

/** What seating needs of a join. */
export interface Seating {
  session: Pick<Session, 'id' | 'sessionId'> & Partial<Pick<Session, 'metadata'>>;
  role: Role;
  /** Whether the place was taken just now. */
  activated: boolean;
}

/**
 * Makes somebody present who holds a place: the connection is written down, seated in Redis and announced. If that fails,
 * a place that was taken for it is given back, so that nobody is stored who never came (rule FA6).
 */
export async function seatConnection(caller: Caller, joined: Seating) {
  const { session, role, activated } = joined;
  try {
    const outcome = await enter(caller, session, role);
    await Promise.all([
      activated ? audit(userJoined(actorOf(caller, session.id), role)) : undefined,
      announce(session.id, outcome),
    ]);
    return outcome;
  } catch (error) {
    await registry()
      .leave(caller.connectionId, session.id)
      .catch(() => {});
    if (activated) await sessions().leaveSession(session.id, caller.userId, 'disconnected');
    throw error;
  }
}

async function enter(caller: Caller, session: Seating['session'], role: Role): Promise<EnterOutcome> {
  const { id: sessionId, sessionId: sessionName, metadata } = session;
  const { connectionId, userId, username } = caller;
  const now = Date.now();
  const [compact] = await Promise.all([
    registry().isCompact(connectionId),
    registry().join({ connectionId, sessionId, sessionName, userId, username, role, joinedAt: now }),
  ]);
  const outcome = await presence().enter(sessionId, userId, {
    connectionId,
    username,
    role,
    cursorRole: metadata?.visibility?.cursors,
    compact,
  });
  await Promise.all([
    expectVisit(sessionId, now + timings.offlineAfterMillis),
    ...outcome.leaves.map((leave) => recordDeparture(sessionId, { ...leave, at: now })),
  ]);
  return outcome;
}
