import { v5 as uuidv5 } from 'uuid';
import type { ActivityParams } from '../../activity/activity-entry.ts';
import { sessionExpired } from '../../activity/activity-events.ts';
import type { Expiry } from '../../sessions/expiry.ts';

/** Any UUID would do; it only has to be this one for ever. */
const expiryNamespace = '2d0c7b6e-8a41-4f3a-9f52-6b1e0d7c4a95';

/**
 * The entry of an expiry in the audit trail. A sweep may be killed after any step, and the next one does all of it again;
 * the owner may recover the session meanwhile. So the entry's id follows from the expiry, and so does its time, or the trail
 * would tell a late announcement after the recovery.
 */
export function expiryEntry({ sessionId, expiredAt, durationMinutes, participantCount }: Expiry): ActivityParams {
  const activityId = uuidv5(`${sessionId}:${expiredAt}`, expiryNamespace);
  return { ...sessionExpired(sessionId, durationMinutes, participantCount), activityId, at: expiredAt };
}
