import type { Role, Session } from '../../protocol/entities.ts';
import { userJoined } from '../activity/activity-events.ts';
import type { Membership } from '../delivery/connection-registry.ts';
import type { EnterOutcome } from '../presence/outcome.ts';
import { isAway } from '../presence/redis-failure.ts';
import type { Caller } from '../runtime/caller.ts';
import { registry } from '../runtime/delivery.ts';
import { log } from '../runtime/log.ts';
import { presence } from '../runtime/presence.ts';
import { sessions } from '../runtime/sessions.ts';
import { timings } from '../runtime/timings.ts';
import { announce } from './announce.ts';
import { actorOf, audit } from './audit.ts';
import { bestKnownState } from './best-known.ts';
import { rebuildSession } from './rebuild-session.ts';
import { expectVisit } from './sweep-waker.ts';

/** What seating needs of a join. */
export interface Seating {
  session: Pick<Session, 'id' | 'sessionId'> & Partial<Pick<Session, 'metadata'>>;
  role: Role;
  /** Whether the place was taken just now. */
  activated: boolean;
  /** Whether the audit trail has this coming already. */
  isWritten?: boolean | undefined;
}

/** What a join answers about who is there. */
export type Seated = Pick<EnterOutcome, 'epoch' | 'seq' | 'users'>;

/**
 * Makes somebody present who holds a place: the connection is written down, seated in Redis and announced. If that fails,
 * a place that was taken for it is given back, so that nobody is stored who never came (rule FA6).
 *
 * While Redis is away the join stands, and the answer is what the connection table knows; the sweep seats and announces
 * it afterwards (rule FA1).
 */
export async function seatConnection(caller: Caller, seating: Seating): Promise<Seated> {
  const { session, role, activated, isWritten = false } = seating;
  try {
    const membership = membershipOf(caller, session, role);
    const [compact] = await Promise.all([registry().isCompact(caller.connectionId), registry().join(membership)]);
    const { outcome, wasKnown } = await enter(membership, compact);
    // Presence decides who has come, as it decides who has left: a place may outlast a leave that is still being written
    // down. Where Redis knew nothing, only the place can tell a newcomer from somebody it forgot.
    const hasCome = outcome && wasKnown ? outcome.first : activated;
    await Promise.all([
      hasCome && !isWritten ? audit(userJoined(actorOf(caller, session.id), role)) : undefined,
      outcome && tell(membership, outcome),
    ]);
    if (outcome) return outcome;
    await registry().join({ ...membership, unseated: true });
    return await bestKnownState(membership);
  } catch (error) {
    await registry()
      .leave(caller.connectionId, session.id)
      .catch(() => {});
    if (activated) await sessions().leaveSession(session.id, caller.userId, 'disconnected');
    throw error;
  }
}

function membershipOf(caller: Caller, { id, sessionId, metadata }: Seating['session'], role: Role): Membership {
  const { connectionId, userId, username } = caller;
  const cursorRole = metadata?.visibility?.cursors;
  const person = { userId, username, role, ...(cursorRole ? { cursorRole } : {}) };
  return { connectionId, sessionId: id, sessionName: sessionId, ...person, joinedAt: Date.now() };
}

/** No outcome while Redis is away. */
async function enter(
  membership: Membership,
  compact: boolean,
): Promise<{ outcome: EnterOutcome | undefined; wasKnown: boolean }> {
  const { sessionId, userId, ...acting } = membership;
  try {
    // Where Redis forgot the session, those who were there are seated first: the newcomer is to meet them.
    const wasKnown = await presence().store.isKnown(sessionId);
    if (!wasKnown) {
      await rebuildSession(sessionId, { onlyIfLost: true, exceptConnection: membership.connectionId });
    }
    return { outcome: await presence().enter(sessionId, userId, { ...acting, compact }), wasKnown };
  } catch (error) {
    if (!isAway(error)) throw error;
    log.warn('Somebody joined while Redis was away', { sessionId, error: error.cause as Error });
    return { outcome: undefined, wasKnown: false };
  }
}

/** Who was found gone is written down by the sweep, once and as of the moment they went. */
async function tell({ sessionId, joinedAt }: Membership, outcome: EnterOutcome): Promise<void> {
  await Promise.all([
    expectVisit(sessionId, outcome.leaves.length > 0 ? joinedAt : joinedAt + timings.offlineAfterMillis),
    announce(sessionId, outcome),
  ]);
}
