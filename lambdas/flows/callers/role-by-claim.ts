import type { Role } from '../../../protocol/entities.ts';
import type { Services } from '../../services/services.ts';
import type { Caller } from './caller.ts';

/** The roles by access claim. They do not change during a connection, so an environment caches them. */
const roles = new Map<string, Role>();
const rememberedRoles = 1000;

/**
 * The role that the caller's access claim gave their connection when it joined a session (rule SE12); undefined without a
 * claim, and for a connection that has not joined. It is read from the connection table, because Redis has one role for all
 * connections of a user.
 */
export async function roleByClaim(
  services: Pick<Services, 'registry'>,
  { connectionId, claim }: Pick<Caller, 'connectionId' | 'claim'>,
  sessionId: string,
): Promise<Role | undefined> {
  if (claim === undefined) return undefined;
  const id = `${connectionId} ${sessionId}`;
  const remembered = roles.get(id);
  if (remembered !== undefined) return remembered;
  const role = (await services.registry.membership(connectionId, sessionId))?.claimedRole;
  if (role === undefined) return undefined;
  if (roles.size >= rememberedRoles) roles.clear();
  roles.set(id, role);
  return role;
}
