import type { DueSession } from '../presence/deadlines.ts';
import { type Departure, isUnknown, type VisitOutcome } from '../presence/outcome.ts';
import { departuresPerVisit } from '../presence/presence-store.ts';
import { log } from '../runtime/log.ts';
import { deadlines, presence } from '../runtime/presence.ts';
import { timings } from '../runtime/timings.ts';
import { announce } from './announce.ts';
import { recordDeparture } from './departures.ts';
import { rebuildSession } from './rebuild-session.ts';

/** Sessions taken per shard and round, and visited at the same time. */
const claimedPerShard = 50;
/** A session whose departures could not be written down is visited again this soon. */
const retryMillis = 5000;

/** What a round of visits found alive, for whoever writes it down. */
export interface Sighted {
  sessionId: string;
  userId: string;
  at: number;
}

/** How often a session with people in it is looked at, at least: its last sign of life is written down then. */
export const refreshMillis = Math.min(30_000, timings.sessionTimeoutMillis / 4, timings.livenessTimeoutMillis / 4);

/** Visits every session that is due: ends what is over, writes it down, tells it, and notes when to come again. */
export async function visitDueSessions(now: number): Promise<Sighted[]> {
  const due = await deadlines().claim(now, claimedPerShard);
  const visits = await Promise.allSettled(due.map((session) => visitSession(session, now)));
  return visits.flatMap((visit) => {
    if (visit.status === 'fulfilled') return visit.value;
    log.error('A session could not be visited; its claim runs out and it is tried again', visit.reason as Error);
    return [];
  });
}

async function visitSession(due: DueSession, now: number): Promise<Sighted[]> {
  const { sessionId } = due;
  const outcome = await visitPresence(sessionId, now);
  const recorded = await recordAll(sessionId, withReturns(outcome));
  await announce(sessionId, outcome);
  const soonest = outcome.nextDeadline === undefined ? undefined : Math.min(outcome.nextDeadline, now + refreshMillis);
  await deadlines().release(due, recorded ? soonest : now + retryMillis);
  return outcome.sightings.map(({ userId, at }) => ({ sessionId, userId, at }));
}

/** A session that Redis forgot is brought back from the connection table first (rule FA2). */
async function visitPresence(sessionId: string, now: number): Promise<VisitOutcome> {
  const outcome = await presence().store.visit(sessionId, now);
  if (!isUnknown(outcome)) return outcome;
  await rebuildSession(sessionId, { onlyIfLost: true });
  return presence().store.visit(sessionId, Date.now());
}

/** The departures, with who is present again already. */
function withReturns({ departures, sightings }: VisitOutcome): (Departure & { isBack: boolean })[] {
  const present = new Set(sightings.map(({ userId }) => userId));
  return departures.map((departure) => ({ ...departure, isBack: present.has(departure.userId) }));
}

/**
 * Leaves are written down before they are told, and kept until then however often it takes (rule AC1).
 *
 * @returns false where some are left for another visit.
 */
async function recordAll(sessionId: string, departures: Departure[]): Promise<boolean> {
  for (const [index, departure] of departures.entries()) {
    if (departure.cause === 'timeout') {
      const seconds = timings.offlineAfterMillis / 1000;
      log.debug(`[PresenceManager] User ${departure.userId} timed out after ${seconds}s`);
      log.info(`User ${departure.userId} timed out in session ${sessionId}`);
    }
    try {
      await recordDeparture(sessionId, departure);
    } catch (error) {
      log.warn('A departure could not be written down yet', { sessionId, error: error as Error });
      await presence().store.forgetDepartures(sessionId, index);
      return false;
    }
  }
  await presence().store.forgetDepartures(sessionId, departures.length);
  return departures.length < departuresPerVisit;
}
