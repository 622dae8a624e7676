import { v5 as uuidv5 } from 'uuid';
import { sessionExpired } from '../activity/activity-events.ts';
import { sweepDatabase } from '../runtime/database.ts';
import { registry } from '../runtime/delivery.ts';
import { once } from '../runtime/once.ts';
import { presence } from '../runtime/presence.ts';
import { timings } from '../runtime/timings.ts';
import { SessionCleanupService } from '../sessions/session-cleanup-service.ts';
import type { ExpiredSession, ExpiringSession } from '../sessions/sweep-repository.ts';
import { send } from './announce.ts';
import { audit } from './audit.ts';
import { emptySession } from './end-session.ts';

/** Any UUID would do; it only has to be this one for ever. */
const expiryNamespace = '2d0c7b6e-8a41-4f3a-9f52-6b1e0d7c4a95';

/** The cleanup of this environment: what it finds is announced to those concerned and written into the audit trail. */
export const sessionCleanup = once(() =>
  SessionCleanupService.getInstance().configure({
    database: sweepDatabase(),
    timings,
    onExpiring: warn,
    onExpired: expire,
    presentAmong,
  }),
);

async function warn({ sessionId, expiresAt }: ExpiringSession): Promise<void> {
  const members = await registry().members(sessionId);
  await send(members, { type: 'session_expiring', sessionId, expiresAt });
}

/**
 * A sweep may be killed after any step, and the next one does all of it again: the entry's id follows from the expiry. So
 * does its time, or the trail would tell a late announcement after the recovery.
 */
async function expire(
  { sessionId, expiredAt, durationMinutes, participantCount }: ExpiredSession,
  isStillExpired: () => Promise<boolean>,
): Promise<void> {
  const activityId = uuidv5(`${sessionId}:${expiredAt}`, expiryNamespace);
  await audit({ ...sessionExpired(sessionId, durationMinutes, participantCount), activityId, at: expiredAt });
  if (!(await isStillExpired())) return;
  const frame = { type: 'session_expired', sessionId, reason: 'inactivity_timeout' } as const;
  await emptySession(sessionId, 'session_expired', frame);
}

/** The stored times may be half a minute behind; who is present by what Redis knows keeps a session. */
async function presentAmong(sessionIds: string[]): Promise<string[]> {
  const since = Date.now() - Math.min(timings.offlineAfterMillis, timings.sessionTimeoutMillis);
  const seen = await Promise.all(sessionIds.map((sessionId) => presence().store.lastSign(sessionId)));
  return sessionIds.filter((_, index) => (seen[index] ?? 0) > since);
}
