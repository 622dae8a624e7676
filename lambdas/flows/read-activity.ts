import type { Session } from '../../protocol/entities.ts';
import { RollcallError } from '../../protocol/errors.ts';
import { sessions } from '../runtime/sessions.ts';
import { isAtLeast } from '../sessions/permissions.ts';

/**
 * The session whose audit trail somebody asks for, provided that they may see it: who may view the session and, where it
 * names a least role for activity, has that role (rule DE9).
 */
export async function authorizeAudit(reference: string, userId: string): Promise<Session> {
  const { session, standing } = await sessions().authorize(reference, userId, 'view', { evenEnded: true });
  const leastRole = session.metadata.visibility?.activity;
  if (leastRole && !standing.isOwner && !(standing.role && isAtLeast(standing.role, leastRole))) {
    throw new RollcallError(
      'PERMISSION_DENIED',
      `The activity of this session is shown from the role ${leastRole} up; ask its owner for that role.`,
    );
  }
  return session;
}
