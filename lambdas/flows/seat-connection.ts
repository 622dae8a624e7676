import type { Role, Session } from '../../protocol/entities.ts';
import type { ActivityContext } from '../activity/activity-entry.ts';
import type { Membership } from '../delivery/connection-registry.ts';
import { isAway } from '../platform/unavailable.ts';
import type { Arrival, EnterOutcome } from '../presence/outcome.ts';
import type { Acting } from '../presence/presence-manager.ts';
import type { Caller } from '../runtime/caller.ts';
import { registry } from '../runtime/delivery.ts';
import { log } from '../runtime/log.ts';
import { presence } from '../runtime/presence.ts';
import { sessions } from '../runtime/sessions.ts';
import { timings } from '../runtime/timings.ts';
import { announce } from './announce.ts';
import { recordArrival } from './arrivals.ts';
import { actorOf } from './audit.ts';
import { bestKnownState } from './best-known.ts';
import { personOf } from './people.ts';
import { rebuildSession } from './rebuild-session.ts';
import { expectVisit } from './sweep-waker.ts';
import { undoSeating } from './undo-seating.ts';

/** What seating needs of a join. */
export interface Seating {
  session: Pick<Session, 'id' | 'sessionId'> & Partial<Pick<Session, 'metadata'>>;
  role: Role;
  /** Whether the place was taken just now. */
  activated: boolean;
  /** Whether the database is away, so that nobody can say what became of the place. */
  unasked?: boolean;
  /** Whether the audit trail has this coming already. */
  isWritten?: boolean | undefined;
  /** Whether they had chosen to be invisible when they were last here. */
  invisible?: boolean | undefined;
}

/** Who comes and does nothing is away, or gone, after this long. */
const firstVisitMillis = Math.min(timings.awayAfterMillis, timings.offlineAfterMillis);

/** What a join answers about who is there. */
export type Seated = Pick<EnterOutcome, 'epoch' | 'seq' | 'users'>;

/**
 * Makes somebody present who holds a place: the connection is written down, seated in Redis and announced. If that fails,
 * all of it is undone, so that nobody is stored who never came (rule FA6).
 *
 * While Redis is away the join stands, and the answer is what the connection table knows; the sweep seats and announces
 * it afterwards (rule FA1).
 */
export async function seatConnection(caller: Caller, seating: Seating): Promise<Seated> {
  const membership = membershipOf(caller, seating);
  let isUntouched = !seating.activated;
  try {
    const begun = [
      registry().isCompact(caller.connectionId),
      registry().join(membership),
      // Before the seat: where this invocation is killed right after it, somebody has to come by and look.
      expectVisit(membership.sessionId, membership.joinedAt + firstVisitMillis),
    ] as const;
    // What is still being written when another step fails could not be undone.
    const [, written] = await Promise.allSettled(begun);
    if (written.status === 'fulfilled' && written.value) isUntouched = false;
    const [compact] = await Promise.all(begun);
    isUntouched = false;
    const outcome = await enter(membership, { compact, place: placeOf(seating) });
    if (outcome?.first && !seating.activated && !seating.unasked) await retakePlace(caller, membership);
    await Promise.all([
      welcome(caller, membership, seating, outcome),
      outcome && tell(membership, outcome),
      outcome && inheritChoice(membership, outcome),
    ]);
    if (outcome) return outcome;
    // The return asks the audit trail, unless the trail has this coming for certain.
    if (seating.activated || seating.isWritten) await registry().join({ ...membership, unseated: true });
    return await bestKnownState(membership);
  } catch (error) {
    // Who sits already may be joining once more, because the first answer was lost: that seat is not this failure's.
    if (!isUntouched) await undoSeating(caller, membership, seating.activated);
    throw error;
  }
}

function membershipOf(caller: Caller, { session, role, invisible }: Seating): Membership {
  const { id, sessionId, metadata } = session;
  const { connectionId, userId, username } = caller;
  const cursorRole = metadata?.visibility?.cursors;
  const choices = { ...(cursorRole ? { cursorRole } : {}), ...(invisible ? { invisible } : {}) };
  const person = { userId, username, role, ...choices };
  return { connectionId, sessionId: id, sessionName: sessionId, ...person, joinedAt: Date.now() };
}

function placeOf({ activated, isWritten }: Seating): 'taken' | 'written' | undefined {
  if (isWritten) return 'written';
  return activated ? 'taken' : undefined;
}

/** No outcome while Redis is away. */
async function enter(
  { sessionId, userId, ...acting }: Membership,
  options: Pick<Acting, 'compact' | 'place'>,
): Promise<EnterOutcome | undefined> {
  try {
    // Where Redis forgot the session, those who were there are seated first: the newcomer is to meet them.
    if (!(await presence().store.isKnown(sessionId))) {
      await rebuildSession(sessionId, { onlyIfLost: true, exceptConnection: acting.connectionId });
    }
    return await presence().enter(sessionId, userId, { ...acting, ...options });
  } catch (error) {
    if (!isAway(error, 'redis')) throw error;
    log.warn('Somebody joined while Redis was away', { sessionId, error: error.cause as Error });
    return undefined;
  }
}

/**
 * Somebody came as the first of their connections, and held a place already: their last connection has just gone, and
 * whoever writes that down may give back the place that this coming found (rule SE3).
 *
 * @throws JoinRefused where somebody else took it meanwhile.
 */
async function retakePlace(caller: Caller, { sessionId, userId }: Membership): Promise<void> {
  try {
    await sessions().joinSession({ sessionRef: sessionId, person: personOf(caller), invite: caller.guest?.invite });
  } catch (error) {
    if (!isAway(error, 'database')) throw error;
    log.warn('Somebody came while the database was away', { sessionId, userId, error: error.cause as Error });
  }
}

/**
 * Writes the coming down. Presence decides who has come, as it decides who has left: a place may outlast a leave that is
 * still being written down.
 */
async function welcome(
  caller: Caller,
  membership: Membership,
  { activated, isWritten }: Seating,
  outcome: EnterOutcome | undefined,
): Promise<void> {
  const { sessionId } = membership;
  const actor = actorOf(caller, sessionId);
  if (outcome?.arrival) {
    await recordOrLeaveToSweep(sessionId, outcome.arrival, actor);
  } else if (!outcome && activated && !isWritten) {
    await recordArrival(sessionId, { ...membership, at: membership.joinedAt, certain: true }, actor);
  }
}

/**
 * Whoever is seated has come, and Redis keeps the coming until it is written down. Where a store is away for a moment the
 * sweep does it: a join that is taken back is a leave to everybody else.
 */
async function recordOrLeaveToSweep(sessionId: string, arrival: Arrival, actor: ActivityContext): Promise<void> {
  try {
    const isStored = await recordArrival(sessionId, arrival, actor);
    if (isStored) await presence().store.forget(sessionId, [arrival]);
  } catch (error) {
    if (!isAway(error)) throw error;
    log.warn('A coming could not be written down yet', { sessionId, error: error.cause as Error });
    await expectVisit(sessionId, Date.now());
  }
}

/** Another tab of somebody who chose to be invisible has to remember it as the first one does. */
async function inheritChoice(membership: Membership, { users }: EnterOutcome): Promise<void> {
  const isInvisible = users.find((user) => user.userId === membership.userId)?.status === 'offline';
  if (isInvisible && !membership.invisible) await registry().join({ ...membership, invisible: true });
}

/** Who was found gone is written down by the sweep, once and as of the moment they went. */
async function tell({ sessionId, joinedAt }: Membership, outcome: EnterOutcome): Promise<void> {
  const deadline = outcome.leaves.length > 0 ? joinedAt : joinedAt + firstVisitMillis;
  await Promise.all([expectVisit(sessionId, deadline), announce(sessionId, outcome)]);
}
