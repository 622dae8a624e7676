import { sweepDatabase } from '../../platform/database.ts';
import { once } from '../../platform/once.ts';
import { timings } from '../../platform/timings.ts';
import { registry } from '../../services/delivery.ts';
import { presence } from '../../services/presence.ts';
import { SessionCleanupService } from '../../sessions/session-cleanup-service.ts';
import type { ExpiredSession, ExpiringSession } from '../../sessions/sweep-repository.ts';
import { audit } from '../journal/audit.ts';
import { expiryEntry } from '../journal/expiry-entry.ts';
import { send } from '../presence/announce.ts';
import { emptySession } from './end-session.ts';

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

async function expire(expired: ExpiredSession, isStillExpired: () => Promise<boolean>): Promise<void> {
  const { sessionId } = expired;
  await audit(expiryEntry(expired));
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
