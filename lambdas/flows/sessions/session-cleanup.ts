import type { Services } from '../../services/services.ts';
import { SessionCleanupService } from '../../sessions/session-cleanup-service.ts';
import type { ExpiredSession, ExpiringSession } from '../../sessions/sweep-repository.ts';
import { auditAll } from '../journal/audit.ts';
import { expiryEntry } from '../journal/expiry-entry.ts';
import { send } from '../presence/announce.ts';
import { emptySession } from './end-session.ts';

/** Configures the cleanup: expiries are announced to the participants and recorded in the audit trail. */
export function configureCleanup(services: Services): SessionCleanupService {
  return SessionCleanupService.getInstance().configure({
    database: services.sweepDatabase,
    timings: services.timings,
    onExpiring: (expiring) => warn(services, expiring),
    recordExpired: async (sessions) => void (await auditAll(services, sessions.map(expiryEntry))),
    onExpired: (expired, isStillExpired) => expire(services, expired, isStillExpired),
    lastSigns: (sessionIds) => lastSigns(services, sessionIds),
  });
}

async function warn(services: Services, { sessionId, expiresAt, early }: ExpiringSession): Promise<void> {
  const members = await services.registry.members(sessionId);
  await send(services, members, { type: 'session_expiring', sessionId, expiresAt, ...(early ? { early } : {}) });
}

async function expire(
  services: Services,
  { sessionId }: ExpiredSession,
  isStillExpired: () => Promise<boolean>,
): Promise<void> {
  if (!(await isStillExpired())) return;
  const frame = { type: 'session_expired', sessionId, reason: 'inactivity_timeout' } as const;
  await emptySession(services, sessionId, 'session_expired', frame);
}

/** The times in PostgreSQL may be half a minute old. Redis knows the last sign of life of a session in which somebody is present. */
async function lastSigns(services: Services, sessionIds: string[]): Promise<Map<string, number>> {
  const signs = await Promise.all(
    sessionIds.map(async (id) => [id, await services.presence.store.lastSign(id)] as const),
  );
  return new Map(signs.filter((sign): sign is [string, number] => sign[1] !== undefined));
}
