import type { ActivityParams } from '../../activity/activity-entry.ts';
import type { Services } from '../../services/services.ts';
import { GuestIdentities } from '../../sessions/guest-identities.ts';
import type { SessionInvites } from '../../sessions/session-invites.ts';
import type { SessionKeys } from '../../sessions/session-keys.ts';
import type { SessionManager } from '../../sessions/session-manager.ts';

/** The services of one transaction. */
export interface AuditedTransaction {
  sessions: SessionManager;
  invites: SessionInvites;
  keys: SessionKeys;
  guests: GuestIdentities;
  /** Adds an entry to the audit trail within the transaction. */
  audit(entry: ActivityParams): Promise<void>;
}

/**
 * Runs a change of a session, its participants or its invites in one transaction with its entries in the audit trail.
 * Either all of it is written or nothing, also if the invocation is killed (rules AC1, FA6). The work must not wait for
 * anything outside the transaction.
 *
 * @throws RollcallError UNAVAILABLE while PostgreSQL is away, and whatever the work throws.
 */
export function transactWithAudit<T>(
  services: Services,
  work: (transaction: AuditedTransaction) => Promise<T>,
): Promise<T> {
  return services.database.transaction((client) => {
    const sessions = services.sessionsOn(client);
    const invites = services.invitesOn(client, sessions);
    const keys = services.keysOn(client);
    const { inviteKeys, clock } = services;
    const guests = new GuestIdentities({ database: client, inviteKeys, clock });
    return work({ sessions, invites, keys, guests, audit: (entry) => services.activity.logWithin(client, entry) });
  });
}
