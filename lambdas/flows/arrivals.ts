import { v5 as uuidv5 } from 'uuid';
import type { Role } from '../../protocol/entities.ts';
import type { ActivityContext } from '../activity/activity-entry.ts';
import { userJoined } from '../activity/activity-events.ts';
import { activity } from '../runtime/activity.ts';
import { audit } from './audit.ts';

/** Somebody's coming into a session. */
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

/**
 * Writes down that somebody came (rule PR9). The script that seated them put it on a list, so that a sweep does it where
 * this invocation is killed; done twice it is done once, because the entry's id follows from the coming.
 *
 * @returns false where the entry waits in the outbox: then the list is to keep the coming for those who ask the trail.
 */
export async function recordArrival(
  sessionId: string,
  { userId, username, role, at, certain }: Arriving,
  context: ActivityContext = {},
): Promise<boolean> {
  if (!certain && (await activity().lastMovement(sessionId, userId, at))?.type === 'user_joined') return true;
  const actor = { ...context, sessionId, userId, username };
  const activityId = uuidv5(`${sessionId}:${userId}:${at}`, arrivalNamespace);
  return audit({ ...userJoined(actor, role), at, activityId });
}
