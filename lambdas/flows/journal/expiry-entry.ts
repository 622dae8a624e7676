import { v5 as uuidv5 } from 'uuid';
import type { ActivityParams } from '../../activity/activity-entry.ts';
import { sessionExpired } from '../../activity/activity-events.ts';
import type { Expiry } from '../../sessions/expiry.ts';

/** The namespace of the entries' ids. Any UUID works, but it must never change. */
const expiryNamespace = '2d0c7b6e-8a41-4f3a-9f52-6b1e0d7c4a95';

/**
 * The entry of an expiry in the audit trail. A sweep may be killed after any step, and the next one repeats all steps, while
 * the owner may recover the session meanwhile. So the id and the time of the entry are computed from the expiry: a late
 * entry does not appear after the recovery.
 */
export function expiryEntry({ sessionId, expiredAt, durationMinutes, participantCount }: Expiry): ActivityParams {
  const activityId = uuidv5(`${sessionId}:${expiredAt}`, expiryNamespace);
  return { ...sessionExpired(sessionId, durationMinutes, participantCount), activityId, at: expiredAt };
}
