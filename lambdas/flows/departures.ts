import { v5 as uuidv5 } from 'uuid';
import type { LeaveCause } from '../../protocol/entities.ts';
import type { ActivityContext } from '../activity/activity-entry.ts';
import { userLeft, userTimedOut } from '../activity/activity-events.ts';
import { isAway } from '../presence/redis-failure.ts';
import { log } from '../runtime/log.ts';
import { sessions } from '../runtime/sessions.ts';
import { audit } from './audit.ts';
import { expectVisit } from './sweep-waker.ts';

/** Somebody's end in a session, as presence established it. */
export interface Departing {
  userId: string;
  cause: LeaveCause;
  /** Unix milliseconds of the script that found it. */
  at: number;
  joinedAt?: number;
  /** Whether they are present again: then the place is the new stay's, however close the two moments are. */
  isBack?: boolean;
}

/** Any UUID would do; it only has to be this one for ever. */
const departureNamespace = '5b1c9a4e-6f0d-4c1b-9e57-3a6f9f0c2d41';

/**
 * Writes a departure down: the place is given back and the audit trail says why (rule PR9). Done twice it is done once:
 * the entry's id follows from the departure, and who joined again since keeps the place.
 */
export async function recordDeparture(
  sessionId: string,
  departing: Departing,
  context: ActivityContext = {},
): Promise<void> {
  const { userId, cause, at, joinedAt, isBack } = departing;
  const left = isBack
    ? { wasActive: false, durationSeconds: 0 }
    : await sessions().leaveSession(sessionId, userId, cause, { joinedUntil: at });
  const seconds = left.wasActive || joinedAt === undefined ? left.durationSeconds : (at - joinedAt) / 1000;
  const actor = { ...context, sessionId, userId };
  const entry = cause === 'timeout' ? userTimedOut(actor) : userLeft(actor, cause, seconds);
  await audit({ ...entry, at, activityId: uuidv5(`${sessionId}:${userId}:${at}`, departureNamespace) });
}

/** The same where PostgreSQL may be away: Redis keeps the departure, and the sweep writes it down later (rule FA3). */
export async function recordOrLeaveToSweep(...departure: Parameters<typeof recordDeparture>): Promise<void> {
  try {
    await recordDeparture(...departure);
  } catch (error) {
    if (!isAway(error)) throw error;
    log.warn('A departure could not be written down yet', { sessionId: departure[0], error: error.cause as Error });
    await expectVisit(departure[0], Date.now());
  }
}
