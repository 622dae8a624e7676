import type { DueSession } from '../presence/deadlines.ts';
import { type Arrival, type Departure, isUnknown, type VisitOutcome } from '../presence/outcome.ts';
import { keptPerVisit } from '../presence/presence-store.ts';
import { log } from '../runtime/log.ts';
import { deadlines, presence } from '../runtime/presence.ts';
import { timings } from '../runtime/timings.ts';
import { announce } from './announce.ts';
import { recordArrival } from './arrivals.ts';
import { recordDeparture } from './departures.ts';
import { rebuildSession } from './rebuild-session.ts';

/** Sessions taken per shard and round, and visited at the same time. */
const claimedPerShard = 50;
/** A session whose comings and goings could not be written down is visited again this soon. */
const retryMillis = 5000;

/** What a round of visits found alive, for whoever writes it down. */
export interface Sighted {
  sessionId: string;
  userId: string;
  at: number;
}

/**
 * How often a session with people in it is looked at, at least: its last sign of life is written down then. Nobody who acts
 * after a look is away before the next one.
 */
export const refreshMillis = Math.min(
  30_000,
  timings.awayAfterMillis,
  timings.sessionTimeoutMillis / 4,
  timings.livenessTimeoutMillis / 4,
);

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
  const { recorded, ...outcome } = await settleSession(sessionId, now);
  const soonest = outcome.nextDeadline === undefined ? undefined : Math.min(outcome.nextDeadline, now + refreshMillis);
  await deadlines().release(due, recorded ? soonest : now + retryMillis);
  // Who came in during the visit may have been expected no sooner than the claim ended, and is not in the index then.
  if (soonest === undefined && (await presence().store.lastSign(sessionId)) !== undefined) {
    await deadlines().schedule(sessionId, now + refreshMillis);
  }
  return outcome.sightings.map(({ userId, at }) => ({ sessionId, userId, at }));
}

/**
 * Ends what is over in a session, writes down who came and went, and tells it. A session that Redis forgot, or gave up
 * because a part of it was lost, is brought back.
 */
export async function settleSession(sessionId: string, now: number): Promise<VisitOutcome & { recorded: boolean }> {
  const outcome = await visitPresence(sessionId, now);
  const recorded = await recordAll(sessionId, outcome);
  await announce(sessionId, outcome);
  return { ...outcome, recorded };
}

/** A session that Redis forgot is brought back from the connection table first (rule FA2). */
async function visitPresence(sessionId: string, now: number): Promise<VisitOutcome> {
  const outcome = await presence().store.visit(sessionId, now);
  if (!isUnknown(outcome)) return outcome;
  await rebuildSession(sessionId, { onlyIfLost: true, evenEmpty: true });
  return presence().store.visit(sessionId, Date.now());
}

/**
 * Comings and goings are written down before they are told, and kept until PostgreSQL has them, however often it takes
 * (rule AC1).
 *
 * @returns false where some are left for another visit.
 */
async function recordAll(sessionId: string, { arrivals, departures, sightings }: VisitOutcome): Promise<boolean> {
  const present = new Set(sightings.map(({ userId }) => userId));
  const written: (Arrival | Departure)[] = [];
  try {
    for (const arrival of arrivals) {
      if (await recordArrival(sessionId, arrival)) written.push(arrival);
    }
    for (const departure of departures) {
      if (departure.cause === 'timeout') logTimeout(sessionId, departure.userId);
      const isBack = present.has(departure.userId);
      if (await recordDeparture(sessionId, { ...departure, isBack })) written.push(departure);
    }
  } catch (error) {
    log.warn('A coming or going could not be written down yet', { sessionId, error: error as Error });
  }
  await presence().store.forget(sessionId, written);
  return written.length === arrivals.length + departures.length && written.length < keptPerVisit;
}

function logTimeout(sessionId: string, userId: string): void {
  log.debug(`[PresenceManager] User ${userId} timed out after ${timings.offlineAfterMillis / 1000}s`);
  log.info(`User ${userId} timed out in session ${sessionId}`);
}
