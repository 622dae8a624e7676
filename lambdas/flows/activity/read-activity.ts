import type { ActivityItem, Session } from '../../../protocol/entities.ts';
import { RollcallError } from '../../../protocol/errors.ts';
import type { Services } from '../../services/services.ts';
import { isAtLeast } from '../../sessions/permissions.ts';
import { authorizeCaller } from '../callers/authorize-caller.ts';
import type { Caller } from '../callers/caller.ts';

/** What is left of a session for whoever reads its audit trail. */
type Audited = Pick<Session, 'id' | 'ownerId'>;

/**
 * The session whose audit trail somebody asks for, provided that they may see it: who may view the session and, where it
 * names a least role for activity, has that role (rule DE9). Of a session that was purged the trail is still there, for
 * its owner (rule SE6).
 */
export async function authorizeAudit(
  services: Services,
  caller: Pick<Caller, 'userId' | 'guest'>,
  reference: string,
): Promise<Audited> {
  try {
    return await authorizeReader(services, caller, reference);
  } catch (error) {
    if (!(error instanceof RollcallError && error.code === 'SESSION_NOT_FOUND')) throw error;
    const purged = await services.sessions.getOwner(reference);
    if (caller.guest || purged.ownerId !== caller.userId) throw error;
    return purged;
  }
}

async function authorizeReader(
  services: Services,
  caller: Pick<Caller, 'userId' | 'guest'>,
  reference: string,
): Promise<Audited> {
  const { session, access } = await authorizeCaller(services, caller, reference, 'view', { evenEnded: true });
  const leastRole = session.metadata.visibility?.activity;
  if (leastRole && !access.isOwner && !(access.role && isAtLeast(access.role, leastRole))) {
    throw new RollcallError(
      'PERMISSION_DENIED',
      `The activity of this session is shown from the role ${leastRole} up; ask its owner for that role.`,
    );
  }
  return session;
}

/**
 * An entry as somebody may see it: where others were and with which browser is the owner's to know, and everybody's about
 * themselves.
 */
export function asSeenBy(userId: string, session: Pick<Session, 'ownerId'>): (item: ActivityItem) => ActivityItem {
  if (userId === session.ownerId) return (item) => item;
  return (item) => (item.userId === userId ? item : { ...item, ipAddress: null, userAgent: null });
}
