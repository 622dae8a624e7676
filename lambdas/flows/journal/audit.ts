import type { ActivityParams } from '../../activity/activity-entry.ts';
import type { Services } from '../../services/services.ts';
import type { Caller } from '../callers/caller.ts';

/** The actor of an entry in the audit trail (rule AC6). */
export function actorOf(caller: Caller, sessionId: string) {
  const { userId, username, ipAddress, userAgent } = caller;
  return { sessionId, userId, username, ipAddress, userAgent };
}

/**
 * Writes an entry before the answer is sent (rule AC1). False if the entry waits in the outbox, where no reader finds it
 * yet.
 */
export async function audit(services: Services, entry: ActivityParams): Promise<boolean> {
  return (await auditAll(services, [entry]))[0]!;
}

/** Writes many entries with one statement and returns for each what {@link audit} returns. */
export async function auditAll(services: Services, entries: readonly ActivityParams[]): Promise<boolean[]> {
  return (await services.activity.logActivities(entries)).map(({ isStored }) => isStored);
}
