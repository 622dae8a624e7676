import type { Role } from '../../../protocol/entities.ts';
import type { Timings } from '../../../protocol/timings.ts';
import { logFailure } from '../../platform/log-failure.ts';
import { isUnknown, type Spending, type VisitOutcome } from '../../presence/outcome.ts';
import { keptPerVisit } from '../../presence/presence-store.ts';
import type { Services } from '../../services/services.ts';
import { rebuildSession } from '../connections/rebuild-session.ts';
import { MovementWriter } from '../journal/movement-writer.ts';
import { announce } from './announce.ts';

/** A session is visited again after this time if its movements could not be recorded. */
export const retryMillis = 5000;

/** A user whom a visit found present, with their last sign of life (Unix milliseconds) and the shown role. */
export interface LastSeenUpdate {
  sessionId: string;
  userId: string;
  at: number;
  role?: Role | undefined;
}

/** The result of a visit. */
export interface Visit {
  /** When the session is due next, Unix milliseconds; undefined if nobody is present. */
  next: number | undefined;
  lastSeenUpdates: LastSeenUpdate[];
  spending: Spending;
  /** How many people are present, and how many of them are online. */
  present: { people: number; online: number };
  /** How many people timed out. */
  timeouts: number;
  /** How long the script took, as this process saw it. */
  redisMillis: number;
}

/**
 * The longest time between two visits of a session with users in it. Each visit updates the last-seen times. A user who acts
 * after a visit is not away before the next one.
 */
export function refreshMillis({ awayAfterMillis, sessionTimeoutMillis, livenessTimeoutMillis }: Timings): number {
  return Math.min(30_000, awayAfterMillis, sessionTimeoutMillis / 4, livenessTimeoutMillis / 4);
}

/**
 * Visits a session: ends what is overdue, records it, announces it, and returns when the session is due next.
 *
 * @param writer is shared by the visits of a sweep, so that they write together.
 * @param restraint the factor by which the service makes posts rarer now (rule CO4).
 */
export async function visitSession(
  services: Services,
  sessionId: string,
  now: number,
  writer: MovementWriter,
  restraint = 1,
): Promise<Visit> {
  const visit = await expireAndRecord(services, sessionId, now, writer, restraint);
  const { recorded, isMore, moves, nextDeadline, lastSeen, online, agents, leaves, redisMillis, spending } = visit;
  if (moves) await services.movingSessions.add(sessionId, now);
  const lastSeenUpdates = lastSeen.map(({ userId, at, role }) => ({
    // The lease of an agent is a sign of life in the future.
    ...{ sessionId, userId, at: Math.min(at, now), role },
  }));
  const soonest =
    nextDeadline === undefined ? undefined : Math.min(nextDeadline, now + refreshMillis(services.timings));
  return {
    next: recorded ? soonest : isMore ? now : now + retryMillis,
    ...{ lastSeenUpdates, spending, redisMillis },
    present: { people: lastSeen.length - agents, online },
    timeouts: leaves.filter(({ cause }) => cause === 'timeout').length,
  };
}

/**
 * What a visit found, and whether all of it is recorded. `isMore` tells that the journal holds more than one visit returns.
 */
export type RecordedVisit = VisitOutcome & { recorded: boolean; isMore: boolean; redisMillis: number };

/**
 * Ends what is overdue in a session, records the movements, and announces them. A session that Redis forgot, or invalidated
 * because a part was lost, is rebuilt first.
 */
export async function expireAndRecord(
  services: Services,
  sessionId: string,
  now: number,
  writer: MovementWriter = new MovementWriter(services),
  restraint = 1,
): Promise<RecordedVisit> {
  const began = performance.now();
  const outcome = await visitPresence(services, sessionId, now, restraint);
  const redisMillis = performance.now() - began;
  const written = await recordAll(services, sessionId, outcome, writer);
  await announce(services, sessionId, outcome);
  const kept = outcome.arrivals.length + outcome.departures.length;
  const isMore = written === kept && kept >= keptPerVisit;
  return { ...outcome, recorded: written === kept && !isMore, isMore, redisMillis };
}

/** Runs the visit script. A session that Redis forgot is rebuilt from the connection table first (rule FA2). */
async function visitPresence(
  services: Services,
  sessionId: string,
  now: number,
  restraint: number,
): Promise<VisitOutcome> {
  const outcome = await services.presence.store.visit(sessionId, now, restraint);
  if (!isUnknown(outcome)) return outcome;
  await rebuildSession(services, sessionId, { onlyIfLost: true, evenEmpty: true });
  return services.presence.store.visit(sessionId, services.clock(), restraint);
}

/**
 * Records the movements before they are announced. They stay in the journal until PostgreSQL has them, even after many
 * attempts (rule AC1).
 *
 * @returns how many are recorded; the others are left to another visit.
 */
async function recordAll(
  services: Services,
  sessionId: string,
  { arrivals, departures, lastSeen }: VisitOutcome,
  writer: MovementWriter,
): Promise<number> {
  const present = new Set(lastSeen.map(({ userId }) => userId));
  for (const { cause, userId } of departures) if (cause === 'timeout') logTimeout(services, sessionId, userId);
  const { written, error } = await writer.write({
    sessionId,
    arrivals,
    departures: departures.map((departure) => ({ ...departure, isBack: present.has(departure.userId) })),
  });
  if (error) logFailure(services.log, 'A movement could not be recorded yet', error, { sessionId });
  const missed = written.filter((movement) => 'cause' in movement && movement.cause === 'timeout').length;
  if (missed > 0) services.metrics.add('heartbeatsMissed', missed);
  await services.presence.store.forget(sessionId, written);
  return written.length;
}

function logTimeout(services: Services, sessionId: string, userId: string): void {
  services.log.debug(`[PresenceManager] User ${userId} timed out after ${services.timings.offlineAfterMillis / 1000}s`);
  services.log.info(`User ${userId} timed out in session ${sessionId}`);
}
