import type { Role, Session } from '../../../protocol/entities.ts';
import type { Timings } from '../../../protocol/timings.ts';
import type { ActivityContext } from '../../activity/activity-entry.ts';
import type { Membership } from '../../connections/connection-registry.ts';
import type { Joined } from '../../connections/membership.ts';
import { Overtaken, type Turn } from '../../platform/turn.ts';
import { isAway } from '../../platform/unavailable.ts';
import type { Arrival, EnterOutcome } from '../../presence/outcome.ts';
import { hasKeys, type Said } from '../../presence/person-data.ts';
import type { Acting } from '../../presence/presence-manager.ts';
import type { Services } from '../../services/services.ts';
import type { Caller } from '../callers/caller.ts';
import { personOf } from '../callers/people.ts';
import { rebuildSession } from '../connections/rebuild-session.ts';
import { recordArrival } from '../journal/arrivals.ts';
import { actorOf } from '../journal/audit.ts';
import { announce } from '../presence/announce.ts';
import { degradedSnapshot } from '../presence/degraded-snapshot.ts';
import { rememberChoice } from '../presence/remember-choice.ts';
import { rememberData } from '../presence/remember-data.ts';
import { scheduleVisit } from '../scheduling/sweep-waker.ts';
import { releaseSlot, undoSeating } from './undo-seating.ts';

/** What seating needs of a join. */
export interface Seating {
  session: Pick<Session, 'id' | 'sessionId'> & Partial<Pick<Session, 'metadata'>>;
  role: Role;
  /** Whether the slot was taken just now. */
  activated: boolean;
  /** Whether the database is away, so that nobody can say what became of the slot. */
  unasked?: boolean;
  /** Whether the audit trail has this arrival already. */
  isWritten?: boolean | undefined;
  /** Whether they had chosen to be invisible when they were last here. */
  invisible?: boolean | undefined;
  /** What the join says of them. */
  said?: Said | undefined;
  /** The data they had told when they were last here, as JSON. */
  kept?: string | undefined;
}

/** Who comes and does nothing is away, or gone, after this long. */
const firstVisitMillis = ({ awayAfterMillis, offlineAfterMillis }: Timings) =>
  Math.min(awayAfterMillis, offlineAfterMillis);

/** Where a seating stands among the joins and leaves of its connection (rule PR18). */
export interface SeatingTurn {
  /** Of the frame that joins. */
  turn?: Turn;
  /** For a connection that returns: the membership that it returns by. */
  known?: Membership;
}

/** What a join answers about who is there. */
export type Seated = Pick<EnterOutcome, 'epoch' | 'seq' | 'users'>;

/**
 * Makes somebody present who holds a slot: the connection is written down, seated in Redis and announced. If that fails,
 * all of it is undone, so that nobody is stored who never came (rule FA6).
 *
 * While Redis is away the join stands, and the answer is what the connection table knows; the sweep seats and announces
 * it afterwards (rule FA1).
 *
 * @throws Overtaken where a later join or leave of the connection has decided (rule PR18); a slot that was taken for this
 *   one is given back.
 */
export async function seatConnection(
  services: Services,
  caller: Caller,
  seating: Seating,
  seatingTurn: SeatingTurn = {},
): Promise<Seated> {
  let membership = membershipOf(services, caller, seating);
  let isUntouched = !seating.activated;
  let isFirst = true;
  try {
    const begun = [
      services.registry.isCompact(caller.connectionId),
      writeDown(services, membership, seatingTurn),
      // Before the seat: where this invocation is killed right after it, somebody has to come by and look.
      scheduleVisit(services, membership.sessionId, membership.joinedAt + firstVisitMillis(services.timings)),
    ] as const;
    // What is still being written when another step fails could not be undone.
    const [, written] = await Promise.allSettled(begun);
    if (written.status === 'fulfilled') {
      ({ membership, isFirst } = written.value);
      if (written.value.isNew) isUntouched = false;
    }
    const [compact] = await Promise.all(begun);
    isUntouched = false;
    const { said, kept } = seating;
    const seenAt = services.clock();
    const outcome = await enter(services, membership, {
      compact,
      arrivalState: arrivalStateOf(seating),
      turn: seatingTurn.turn,
      said,
      kept,
    });
    // While Redis is away nobody says whether this is the user's first connection.
    const retakes = (outcome?.first ?? true) && mayLackSlot(seating, isFirst);
    if (retakes) await retakeSlot(services, caller, membership);
    await Promise.all([
      // A leave may have ended the seat, and given back the slot, before the slot was taken again.
      retakes && releaseSlot(services, membership),
      welcome(services, caller, membership, seating, outcome),
      outcome && tell(services, membership, outcome),
      outcome && share(services, caller, membership, outcome, { said, seenAt }),
    ]);
    if (outcome) return outcome;
    // The return asks the audit trail, unless the trail has this arrival for certain.
    const unseated = seating.activated || seating.isWritten || undefined;
    if (!(await services.registry.amend(membership, { unseated }))) throw new Overtaken();
    return await degradedSnapshot(services, membership);
  } catch (error) {
    if (error instanceof Overtaken) {
      await releaseSlot(services, membership);
      throw error;
    }
    // Who sits already may be joining once more, because the first answer was lost: that seat is not this failure's.
    if (!isUntouched) await undoSeating(services, caller, membership, seating.activated);
    throw error;
  }
}

/** A join is the next one of its connection; whoever returns keeps the number of the join by which they are there. */
async function writeDown(services: Services, membership: Membership, { turn, known }: SeatingTurn): Promise<Joined> {
  if (!known) return services.registry.join(membership, turn);
  const { connectionId: _, sessionId: __, ...fields } = { cursorRole: undefined, invisible: undefined, ...membership };
  if (!(await services.registry.amend(known, { ...fields, unseated: undefined }))) throw new Overtaken();
  const { version, joinedAt } = known;
  // The first version is the time of the join and one more.
  return { membership: { ...membership, version }, isNew: false, isFirst: version === joinedAt + 1 };
}

function membershipOf(
  services: Services,
  caller: Caller,
  { session, role, said, kept, ...known }: Seating,
): Membership {
  const { id, sessionId, metadata } = session;
  const { connectionId, userId, username } = caller;
  const cursorRole = metadata?.visibility?.cursors;
  const invisible = said?.status === undefined ? known.invisible : said.status === 'offline';
  const choices = { ...(cursorRole ? { cursorRole } : {}), ...(invisible ? { invisible } : {}) };
  const person = { userId, username, role, ...choices };
  const joinedAt = services.clock();
  const data = kept ?? told(said);
  // Whatever Redis makes of it is newer.
  const toldBefore = data === undefined ? {} : { data, dataAt: joinedAt - 1 };
  return { connectionId, sessionId: id, sessionName: sessionId, ...person, ...toldBefore, joinedAt };
}

/** The data of somebody of whom nothing is known yet, as JSON. */
function told({ data }: Said = {}): string | undefined {
  const kept = Object.entries(data ?? {}).filter(([, value]) => value !== null);
  return kept.length > 0 ? JSON.stringify(Object.fromEntries(kept)) : undefined;
}

function arrivalStateOf({ activated, isWritten }: Seating): 'taken' | 'written' | undefined {
  if (isWritten) return 'written';
  return activated ? 'taken' : undefined;
}

/** No outcome while Redis is away. */
async function enter(
  services: Services,
  { sessionId, userId, ...acting }: Membership,
  options: Pick<Acting, 'compact' | 'arrivalState' | 'turn' | 'said' | 'kept'>,
): Promise<EnterOutcome | undefined> {
  try {
    // Where Redis forgot the session, those who were there are seated first: the newcomer is to meet them.
    if (!(await services.presence.store.isKnown(sessionId))) {
      await rebuildSession(services, sessionId, { onlyIfLost: true, exceptConnection: acting.connectionId });
    }
    return await services.presence.enter(sessionId, userId, { ...acting, ...options });
  } catch (error) {
    if (!isAway(error, 'redis')) throw error;
    services.log.warn('Somebody joined while Redis was away', { sessionId, error: error.cause as Error });
    return undefined;
  }
}

/** Whether the slot may have been given back since the caller asked for it. */
function mayLackSlot({ activated, unasked }: Seating, isFirst: boolean): boolean {
  // Where the connection was here before, an earlier join of it may be overtaken only now, and give back its slot.
  return !unasked && (!activated || !isFirst);
}

/**
 * Somebody came as the first of their connections, and held a slot already: their last connection has just gone, and
 * whoever writes that down may give back the slot that this arrival found (rule SE3).
 *
 * @throws JoinRefused where somebody else took it meanwhile.
 */
async function retakeSlot(services: Services, caller: Caller, { sessionId, userId }: Membership): Promise<void> {
  try {
    await services.sessions.joinSession({
      sessionRef: sessionId,
      person: personOf(caller),
      invite: caller.guest?.invite,
    });
  } catch (error) {
    if (!isAway(error, 'database')) throw error;
    services.log.warn('Somebody came while the database was away', { sessionId, userId, error: error.cause as Error });
  }
}

/**
 * Writes the arrival down. Presence decides who has come, as it decides who has left: a slot may outlast a leave that is
 * still being written down.
 */
async function welcome(
  services: Services,
  caller: Caller,
  membership: Membership,
  { activated, isWritten }: Seating,
  outcome: EnterOutcome | undefined,
): Promise<void> {
  const { sessionId } = membership;
  const actor = actorOf(caller, sessionId);
  if (outcome?.arrival) {
    await recordOrLeaveToSweep(services, sessionId, outcome.arrival, actor);
  } else if (!outcome && activated && !isWritten) {
    await recordArrival(services, sessionId, { ...membership, at: membership.joinedAt, certain: true }, actor);
  }
}

/**
 * Whoever is seated has come, and Redis keeps the arrival until it is written down. Where a store is away for a moment the
 * sweep does it: a join that is taken back is a leave to everybody else.
 */
async function recordOrLeaveToSweep(
  services: Services,
  sessionId: string,
  arrival: Arrival,
  actor: ActivityContext,
): Promise<void> {
  try {
    const isStored = await recordArrival(services, sessionId, arrival, actor);
    if (isStored) await services.presence.store.forget(sessionId, [arrival]);
  } catch (error) {
    if (!isAway(error)) throw error;
    services.log.warn('An arrival could not be written down yet', { sessionId, error: error.cause as Error });
    await scheduleVisit(services, sessionId, services.clock());
  }
}

/**
 * All tabs of a user keep what the user chose and told: this one what the others said, and the others what this join says
 * (rules PR5, PR16).
 */
async function share(
  services: Services,
  caller: Caller,
  membership: Membership,
  { users, told }: EnterOutcome,
  { said, seenAt }: { said: Said | undefined; seenAt: number },
): Promise<void> {
  const { sessionId, userId, joinedAt } = membership;
  const own = users.find((user) => user.userId === userId);
  if (own?.status === 'offline' && !membership.invisible) await services.registry.inheritInvisible(membership, seenAt);
  if (said?.status !== undefined && own && own.connections > 1) {
    await rememberChoice(services, caller, sessionId, said.status, joinedAt);
  }
  const isShared = Boolean(told?.isShared) && hasKeys(said?.data);
  if (told && (isShared || told.text !== membership.data))
    await rememberData(services, membership, { ...told, isShared });
}

/** Who was found gone is written down by the sweep, once and as of the moment they went. */
async function tell(services: Services, { sessionId, joinedAt }: Membership, outcome: EnterOutcome): Promise<void> {
  const deadline = outcome.leaves.length > 0 ? joinedAt : joinedAt + firstVisitMillis(services.timings);
  await Promise.all([scheduleVisit(services, sessionId, deadline), announce(services, sessionId, outcome)]);
}
