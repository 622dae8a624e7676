import { claimedRole } from '../../../protocol/access-claim.ts';
import type { ActivityItem } from '../../../protocol/entities.ts';
import { RollcallError } from '../../../protocol/errors.ts';
import { isAtLeast } from '../../../protocol/permissions.ts';
import { withoutConnection } from '../../activity/linked-entry.ts';
import type { Services } from '../../services/services.ts';
import type { AuditedSession } from '../../sessions/session-keys.ts';
import { authorizeCaller } from '../callers/authorize-caller.ts';
import type { Caller } from '../callers/caller.ts';
import { isAdmin } from '../callers/require-admin.ts';

type Reader = Pick<Caller, 'userId' | 'guest' | 'claim'>;

/**
 * Returns the session whose audit trail the caller may read. They need the permission to view the session and, if the
 * session sets a least role for activity, that role (rule DE9). The owner can also read the trail of a session that was
 * purged (rule SE6).
 */
export async function authorizeAudit(services: Services, caller: Reader, reference: string): Promise<AuditedSession> {
  try {
    return await authorizeReader(services, caller, reference);
  } catch (error) {
    if (!(error instanceof RollcallError && error.code === 'SESSION_NOT_FOUND')) throw error;
    const { id, ownerId, operationId } = await services.sessions.getOwner(reference);
    const isRefused = caller.claim && claimedRole(caller.claim, operationId) !== 'operator';
    if (caller.guest || isRefused || ownerId !== caller.userId) throw error;
    return { id, isOwner: true };
  }
}

/**
 * The same for those who read the entries of a session to verify them. An operator may read those of every session, but not as its
 * owner, so addresses and browsers stay hidden (rule OP4).
 *
 * @param reader with the scopes of their token.
 */
export async function authorizeTrail(
  services: Services,
  { scopes, ...reader }: Reader & { scopes: readonly string[] },
  reference: string,
): Promise<AuditedSession> {
  try {
    return await authorizeAudit(services, reader, reference);
  } catch (error) {
    if (!(error instanceof RollcallError && isAdmin(scopes))) throw error;
    const { id } = await services.sessions.getSession(reference);
    return { id, isOwner: false };
  }
}

async function authorizeReader(services: Services, caller: Reader, reference: string): Promise<AuditedSession> {
  const { session, access } = await authorizeCaller(services, caller, reference, 'view', { evenEnded: true });
  const leastRole = session.metadata.visibility?.activity;
  if (leastRole && !access.isOwner && !(access.role && isAtLeast(access.role, leastRole))) {
    throw new RollcallError(
      'PERMISSION_DENIED',
      `The activity of this session is shown from the role ${leastRole} up; ask its owner for that role.`,
    );
  }
  return { id: session.id, isOwner: access.isOwner };
}

/** An entry as a user may see it. The owner sees addresses and browsers of everyone, other users only their own. */
export function asSeenBy(
  userId: string,
  { isOwner }: Pick<AuditedSession, 'isOwner'>,
): (item: ActivityItem) => ActivityItem {
  if (isOwner) return (item) => item;
  return (item) => (item.userId === userId ? item : withoutConnection(item));
}
