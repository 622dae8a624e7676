import { v5 as uuidv5 } from 'uuid';
import type { LeaveCause } from '../../../protocol/entities.ts';
import type { ActivityContext, ActivityParams } from '../../activity/activity-entry.ts';
import { userLeft, userTimedOut } from '../../activity/activity-events.ts';
import type { Movement } from '../../activity/presence-history.ts';
import { isAway } from '../../platform/unavailable.ts';
import type { Services } from '../../services/services.ts';
import { scheduleVisit } from '../scheduling/sweep-waker.ts';
import { auditAll } from './audit.ts';

/** The departure of a user: observed by presence, or concluded by others if presence knows nothing of it. */
export interface Departing {
  userId: string;
  cause: LeaveCause;
  /** Present if presence knows that the user is an agent. */
  kind?: 'agent' | undefined;
  /** The server key that ended an agent. */
  keyId?: string | undefined;
  /** The time of the script that found it, Unix milliseconds. */
  at: number;
  /** Absent if presence does not know it. */
  joinedAt?: number;
  /**
   * Whether it was concluded, not observed. Then `at` is an estimate, and the true end may be recorded already with a later
   * time.
   */
  isConcluded?: boolean;
  /** Whether presence knew the stay only from the connection table. */
  restored?: boolean;
  /** A join that asked for the slot up to this time has given it up, so it does not keep the slot. Unix milliseconds. */
  joinedUntil?: number;
  /** Whether the user is present again. Then the slot belongs to the new stay, even if the two times are very close. */
  isBack?: boolean;
}

/** A departure with its session and what is known about the connection. */
export interface DepartureRecord {
  sessionId: string;
  departing: Departing;
  context?: ActivityContext;
  /** Whether an earlier attempt, which knows the connection, may wait in the outbox (rule AC7). */
  mayRepeat?: boolean;
}

/** The namespace of the entries' ids. Any UUID works, but it must never change. */
const departureNamespace = '5b1c9a4e-6f0d-4c1b-9e57-3a6f9f0c2d41';

/**
 * Writes a departure into the audit trail (rule PR9) and gives the slot back, in this order, so each slot that was given
 * back has its entry. A repeated call changes nothing: the id of the entry is computed from the departure, or from the
 * arrival that it ends if presence did not observe it. A user who joined again since then keeps the slot.
 *
 * @returns false if the entry waits in the outbox. Then the departure has to stay in the journal, because the trail does not
 *   have it yet.
 */
export async function recordDeparture(
  services: Services,
  sessionId: string,
  departing: Departing,
  context: ActivityContext = {},
): Promise<boolean> {
  return (await recordDepartures(services, [{ sessionId, departing, context }]))[0]!;
}

/** The same for many departures with three statements. No two of them may be of the same user in the same session. */
export async function recordDepartures(services: Services, records: readonly DepartureRecord[]): Promise<boolean[]> {
  if (records.length === 0) return [];
  const movements = await services.activity.lastMovements(
    records.map(({ sessionId, departing: { userId, at, isConcluded } }) => ({
      ...{ sessionId, userId },
      until: isConcluded ? undefined : at,
    })),
  );
  const unrecorded = [...records.entries()].filter(([index, { departing }]) =>
    isUnrecorded(departing, movements[index]),
  );
  const stored = await auditAll(
    services,
    unrecorded.map(([index, record]) => entryOf(record, movements[index])),
  );
  const waiting = new Set(unrecorded.filter((_, number) => !stored[number]).map(([index]) => index));
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
  const { userId, at, joinedAt, kind = last?.kind ?? undefined } = departing;
  // Whoever concludes a leave does not know that it is the end of a lease.
  const cause = kind && departing.cause === 'timeout' ? 'lease_ended' : departing.cause;
  const since = beginningOf(departing, last);
  const seconds = (at - since) / 1000;
  const actor = { ...context, sessionId, userId };
  const entry =
    cause === 'timeout'
      ? userTimedOut(actor, seconds)
      : userLeft(actor, cause, seconds, kind && { kind, keyId: departing.keyId });
  const moment = joinedAt === undefined ? `since ${since}` : at;
  const activityId = uuidv5(`${sessionId}:${userId}:${moment}`, departureNamespace);
  // A concluded end may repeat another concluded end of the same stay.
  return { ...entry, at, activityId, mayRepeat: record.mayRepeat || joinedAt === undefined };
}

/** When the stay began. The audit trail may not have its arrival yet, but that of an earlier stay. */
function beginningOf({ joinedAt, restored, at }: Departing, last: Movement | undefined): number {
  if (last?.type !== 'user_joined') return joinedAt ?? at;
  return joinedAt !== undefined && !restored ? Math.max(joinedAt, last.at) : last.at;
}

/**
 * Whether the audit trail lacks this departure. If presence observed the beginning of a stay, it gets an entry of its end,
 * unless a concluded end is recorded already. Any other stay gets one only if its beginning is recorded.
 */
function isUnrecorded({ joinedAt, restored, at }: Departing, last: Movement | undefined): boolean {
  if (last?.type === 'user_joined') return last.at <= at;
  return joinedAt !== undefined && !restored && !(last && last.at >= joinedAt);
}

/** The same if PostgreSQL may be away: Redis keeps the departure, and the sweep records it later (rule FA3). */
export function recordOrLeaveToSweep(
  services: Services,
  sessionId: string,
  departing: Departing,
  context?: ActivityContext,
): Promise<void> {
  return recordAllOrLeaveToSweep(services, sessionId, [{ departing, context }]);
}

/**
 * The same for many departures of a session, with three statements. No two of them may be of the same user. If PostgreSQL refuses them,
 * each is written alone, so one that cannot be stored does not prevent the others.
 */
export async function recordAllOrLeaveToSweep(
  services: Services,
  sessionId: string,
  departures: readonly { departing: Departing; context?: ActivityContext | undefined }[],
): Promise<void> {
  try {
    await recordDepartures(
      services,
      departures.map(({ departing, context = {} }) => ({ sessionId, departing, context })),
    );
  } catch (error) {
    if (!isAway(error)) {
      if (departures.length === 1) throw error;
      await Promise.all(departures.map((one) => recordAllOrLeaveToSweep(services, sessionId, [one])));
      return;
    }
    services.log.warn('Departures could not be recorded yet', { sessionId, error: error.cause as Error });
    await scheduleVisit(services, sessionId, services.clock());
  }
}
