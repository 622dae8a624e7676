import { v5 as uuidv5 } from 'uuid';
import type { LeaveCause } from '../../../protocol/entities.ts';
import type { ActivityContext, ActivityParams } from '../../activity/activity-entry.ts';
import { userLeft, userTimedOut } from '../../activity/activity-events.ts';
import type { Movement } from '../../activity/presence-history.ts';
import { isAway } from '../../platform/unavailable.ts';
import type { Services } from '../../services/services.ts';
import { scheduleVisit } from '../scheduling/sweep-waker.ts';
import { auditAll } from './audit.ts';

/** Somebody's end in a session: as presence established it, or as others conclude it where presence knows nothing. */
export interface Departing {
  userId: string;
  cause: LeaveCause;
  /** Unix milliseconds of the script that found it. */
  at: number;
  /** Absent where presence does not know it. */
  joinedAt?: number;
  /** Whether nobody saw it: then `at` is a guess, and the true end may be written down already, at a later moment. */
  isConcluded?: boolean;
  /** Whether presence knew of the stay from the connection table only. */
  restored?: boolean;
  /** Until when a join asked for the slot and gave it up: that join does not keep the slot. */
  joinedUntil?: number;
  /** Whether they are present again: then the slot is the new stay's, however close the two moments are. */
  isBack?: boolean;
}

/** A departure, where it was, and what is known of the connection. */
export interface DepartureRecord {
  sessionId: string;
  departing: Departing;
  context?: ActivityContext;
  /** Whether an earlier attempt, which knows the connection, may wait in the outbox (rule AC7). */
  mayRepeat?: boolean;
}

/** Any UUID would do; it only has to be this one for ever. */
const departureNamespace = '5b1c9a4e-6f0d-4c1b-9e57-3a6f9f0c2d41';

/**
 * Writes a departure down: the audit trail says why (rule PR9) and the slot is given back, in this order, so that a slot
 * whose holder is gone is never without its story. Done twice it is done once: the entry's id follows from the departure,
 * or, where presence did not see it, from the arrival it ends, and who joined again since keeps the slot.
 *
 * @returns false where the entry waits in the outbox: then the list is to keep the departure for those who ask the trail.
 */
export async function recordDeparture(
  services: Services,
  sessionId: string,
  departing: Departing,
  context: ActivityContext = {},
): Promise<boolean> {
  return (await recordDepartures(services, [{ sessionId, departing, context }]))[0]!;
}

/** The same for many departures, no two of them of one person in one session: three statements, however many they are. */
export async function recordDepartures(services: Services, records: readonly DepartureRecord[]): Promise<boolean[]> {
  if (records.length === 0) return [];
  const movements = await services.activity.lastMovements(
    records.map(({ sessionId, departing: { userId, at, isConcluded } }) => ({
      ...{ sessionId, userId },
      until: isConcluded ? undefined : at,
    })),
  );
  const untold = [...records.entries()].filter(([index, { departing }]) => isUntold(departing, movements[index]));
  const stored = await auditAll(
    services,
    untold.map(([index, record]) => entryOf(record, movements[index])),
  );
  const waiting = new Set(untold.filter((_, number) => !stored[number]).map(([index]) => index));
  await services.sessions.releaseSlots(
    records
      .filter(({ departing }) => !departing.isBack)
      .map(({ sessionId, departing: { userId, cause, at, joinedUntil = at } }) => ({
        ...{ sessionId, personId: userId, cause, joinedUntil: Math.max(at, joinedUntil) },
      })),
  );
  return records.map((_, index) => !waiting.has(index));
}

function entryOf(record: DepartureRecord, last: Movement | undefined): ActivityParams {
  const { sessionId, departing, context } = record;
  const { userId, cause, at, joinedAt } = departing;
  const since = last?.type === 'user_joined' ? last.at : (joinedAt ?? at);
  const actor = { ...context, sessionId, userId };
  const entry = cause === 'timeout' ? userTimedOut(actor) : userLeft(actor, cause, (at - since) / 1000);
  const moment = joinedAt === undefined ? `since ${since}` : at;
  const activityId = uuidv5(`${sessionId}:${userId}:${moment}`, departureNamespace);
  // Who concludes an end does not know whether somebody else has told another one of the same stay.
  return { ...entry, at, activityId, mayRepeat: record.mayRepeat || joinedAt === undefined };
}

/**
 * Whether the audit trail lacks this end. A stay that presence saw begin has one, unless it was concluded already; any
 * other ends only where the trail says that it began.
 */
function isUntold({ joinedAt, restored, at }: Departing, last: Movement | undefined): boolean {
  if (last?.type === 'user_joined') return last.at <= at;
  return joinedAt !== undefined && !restored && !(last && last.at >= joinedAt);
}

/** The same where PostgreSQL may be away: Redis keeps the departure, and the sweep writes it down later (rule FA3). */
export async function recordOrLeaveToSweep(
  services: Services,
  sessionId: string,
  departing: Departing,
  context?: ActivityContext,
): Promise<void> {
  try {
    await recordDeparture(services, sessionId, departing, context);
  } catch (error) {
    if (!isAway(error)) throw error;
    services.log.warn('A departure could not be written down yet', {
      sessionId,
      error: error.cause as Error,
    });
    await scheduleVisit(services, sessionId, services.clock());
  }
}
