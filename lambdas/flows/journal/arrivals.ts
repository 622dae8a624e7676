import { v5 as uuidv5 } from 'uuid';
import type { Role } from '../../../protocol/entities.ts';
import type { ActivityContext, ActivityParams } from '../../activity/activity-entry.ts';
import { type AgentDetails, userJoined } from '../../activity/activity-events.ts';
import type { Movement } from '../../activity/presence-history.ts';
import type { Services } from '../../services/services.ts';
import { auditAll } from './audit.ts';

/** The arrival of a user in a session. */
export interface Arriving {
  userId: string;
  username: string;
  role: Role;
  /** Present if the user is an agent. */
  agent?: AgentDetails | undefined;
  /** Since when the user is present, Unix milliseconds. */
  at: number;
  /** When the join began; see `Arrival.requestedAt`. Default: `at`. */
  requestedAt?: number | undefined;
  /** Only an arrival after this time may be this one; see `Arrival.after`. */
  after?: number | undefined;
  /** Whether the arrival may be recorded with a later time, by another connection of the user. */
  mayBeLater?: boolean;
  /** False if the user may have been present before, so the audit trail has to be asked. */
  certain: boolean;
}

/** The namespace of the entries' ids. Any UUID works, but it must never change. */
const arrivalNamespace = '0e7c52f4-93ab-4a57-8d0d-1f2b6c1d9a38';

/** An arrival with its session and what is known about the connection. */
export interface ArrivalRecord {
  sessionId: string;
  arriving: Arriving;
  context?: ActivityContext;
  /** Whether an earlier attempt may wait in the outbox. That attempt knows the connection, so it counts (rule AC7). */
  mayRepeat?: boolean;
}

/**
 * Writes an arrival into the audit trail (rule PR9). The script that seated the user added it to the movement journal, so a
 * sweep writes it if this invocation is killed. The id of the entry is computed from the arrival, so it is written only
 * once.
 *
 * @returns false if the entry waits in the outbox. Then the arrival has to stay in the journal, because the trail does not
 *   have it yet.
 */
export async function recordArrival(
  services: Services,
  sessionId: string,
  arriving: Arriving,
  context: ActivityContext = {},
): Promise<boolean> {
  return (await recordArrivals(services, [{ sessionId, arriving, context }]))[0]!;
}

/** The same for many arrivals, with two statements. */
export async function recordArrivals(services: Services, records: readonly ArrivalRecord[]): Promise<boolean[]> {
  if (records.length === 0) return [];
  const uncertain = records.filter(({ arriving: { certain, after } }) => !certain || after !== undefined);
  const movements = await services.activity.lastMovements(
    uncertain.map(({ sessionId, arriving: { userId, at, mayBeLater } }) => ({
      ...{ sessionId, userId },
      until: mayBeLater ? undefined : at,
    })),
  );
  const known = new Set(uncertain.filter(({ arriving }, index) => isRecorded(arriving, movements[index])));
  const unrecorded = records.filter((record) => !known.has(record));
  const stored = await auditAll(services, unrecorded.map(entryOf));
  const waiting = new Set(unrecorded.filter((_, index) => !stored[index]));
  return records.map((record) => !waiting.has(record));
}

/** Whether the last movement in the audit trail is this arrival, which another connection of the user may have recorded. */
function isRecorded({ after = 0 }: Arriving, last: Movement | undefined): boolean {
  return last?.type === 'user_joined' && last.at > after;
}

function entryOf({ sessionId, arriving, context, mayRepeat }: ArrivalRecord): ActivityParams {
  const { userId, username, role, agent, at, requestedAt = at } = arriving;
  const activityId = uuidv5(`${sessionId}:${userId}:${requestedAt}`, arrivalNamespace);
  return { ...userJoined({ ...context, sessionId, userId, username }, role, agent), at, activityId, mayRepeat };
}
