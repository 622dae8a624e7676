import type { ActivityParams } from '../../activity/activity-entry.ts';
import type { Services } from '../../services/services.ts';
import type { Caller } from '../callers/caller.ts';

/** Where and by whom something was done, for the audit trail (rule AC6). */
export function actorOf(caller: Caller, sessionId: string) {
  const { userId, username, ipAddress, userAgent } = caller;
  return { sessionId, userId, username, ipAddress, userAgent };
}

/** Writes an entry before the answer (rule AC1). False where it waits in the outbox, and nobody can read it yet. */
export async function audit(services: Services, entry: ActivityParams): Promise<boolean> {
  return (await auditAll(services, [entry]))[0]!;
}

/** Writes many entries in one statement; says of each what {@link audit} says of one. */
export async function auditAll(services: Services, entries: readonly ActivityParams[]): Promise<boolean[]> {
  return (await services.activity.logActivities(entries)).map(({ isStored }) => isStored);
}
