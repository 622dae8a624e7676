import { v5 as uuidv5 } from 'uuid';
import type { Role } from '../../../protocol/entities.ts';
import type { ActivityContext, ActivityParams } from '../../activity/activity-entry.ts';
import { userJoined } from '../../activity/activity-events.ts';
import type { Services } from '../../services/services.ts';
import { auditAll } from './audit.ts';

/** Somebody's arrival into a session. */
export interface Arriving {
  userId: string;
  username: string;
  role: Role;
  /** Unix milliseconds: since when they are present. */
  at: number;
  /** False where they may have been there before, and the audit trail has to be asked. */
  certain: boolean;
}

/** Any UUID would do; it only has to be this one for ever. */
const arrivalNamespace = '0e7c52f4-93ab-4a57-8d0d-1f2b6c1d9a38';

/** An arrival, where it was, and what is known of the connection. */
export interface ArrivalRecord {
  sessionId: string;
  arriving: Arriving;
  context?: ActivityContext;
  /** Whether an earlier attempt may wait in the outbox. It knows the connection, so it stands (rule AC7). */
  mayRepeat?: boolean;
}

/**
 * Writes down that somebody came (rule PR9). The script that seated them put it on a list, so that a sweep does it where
 * this invocation is killed; done twice it is done once, because the entry's id follows from the arrival.
 *
 * @returns false where the entry waits in the outbox: then the list is to keep the arrival for those who ask the trail.
 */
export async function recordArrival(
  services: Services,
  sessionId: string,
  arriving: Arriving,
  context: ActivityContext = {},
): Promise<boolean> {
  return (await recordArrivals(services, [{ sessionId, arriving, context }]))[0]!;
}

/** The same for many arrivals: two statements, however many they are. */
export async function recordArrivals(services: Services, records: readonly ArrivalRecord[]): Promise<boolean[]> {
  if (records.length === 0) return [];
  const uncertain = records.filter(({ arriving }) => !arriving.certain);
  const movements = await services.activity.lastMovements(
    uncertain.map(({ sessionId, arriving: { userId, at } }) => ({ sessionId, userId, until: at })),
  );
  const known = new Set(uncertain.filter((_, index) => movements[index]?.type === 'user_joined'));
  const untold = records.filter((record) => !known.has(record));
  const stored = await auditAll(services, untold.map(entryOf));
  const waiting = new Set(untold.filter((_, index) => !stored[index]));
  return records.map((record) => !waiting.has(record));
}

function entryOf({ sessionId, arriving, context, mayRepeat }: ArrivalRecord): ActivityParams {
  const { userId, username, role, at } = arriving;
  const activityId = uuidv5(`${sessionId}:${userId}:${at}`, arrivalNamespace);
  return { ...userJoined({ ...context, sessionId, userId, username }, role), at, activityId, mayRepeat };
}
