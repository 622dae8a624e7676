import type { ActivityParams } from '../../activity/activity-entry.ts';
import type { Services } from '../../services/services.ts';
import type { SessionInvites } from '../../sessions/session-invites.ts';
import type { SessionKeys } from '../../sessions/session-keys.ts';
import type { SessionManager } from '../../sessions/session-manager.ts';

/** What a decision is made with. */
export interface Decision {
  sessions: SessionManager;
  invites: SessionInvites;
  keys: SessionKeys;
  /** Puts an entry into the audit trail, together with what was decided. */
  audit(entry: ActivityParams): Promise<void>;
}

/**
 * Makes a decision about a session, its participants or its invites, and its entry in the audit trail, one: both are
 * written or neither, whenever the invocation is killed (rules AC1, FA6). Nothing else may be waited for in it.
 *
 * @throws RollcallError what the decision throws, and UNAVAILABLE while PostgreSQL is away.
 */
export function decide<T>(services: Services, work: (decision: Decision) => Promise<T>): Promise<T> {
  return services.database.transaction((client) => {
    const sessions = services.sessionsOn(client);
    const invites = services.invitesOn(client, sessions);
    const keys = services.keysOn(client);
    return work({ sessions, invites, keys, audit: (entry) => services.activity.logWithin(client, entry) });
  });
}
