import { RollcallError } from '../../../protocol/errors.ts';
import { isUuid } from '../../../protocol/uuid.ts';
import type { Services } from '../../services/services.ts';
import type { Caller } from './caller.ts';

/** The UUIDs of sessions by name. The name of a session never changes, so an execution environment keeps them. */
const idsByName = new Map<string, string>();
const rememberedNames = 1000;

/**
 * The UUID for a `sessionId` of a message, which may be the UUID or the name of the session. Only a session that the
 * connection joined is found, so a name reveals nothing about other sessions.
 */
export async function sessionIdOf(services: Services, caller: Caller, sessionRef: string): Promise<string> {
  if (isUuid(sessionRef)) return sessionRef.toLowerCase();
  const remembered = idsByName.get(sessionRef);
  if (remembered) return remembered;
  const memberships = await services.registry.memberships(caller.connectionId);
  const found = memberships.find((membership) => membership.sessionName === sessionRef);
  if (!found) throw notInSession();
  if (idsByName.size >= rememberedNames) idsByName.clear();
  idsByName.set(sessionRef, found.sessionId);
  return found.sessionId;
}

export function notInSession(): RollcallError {
  return new RollcallError('NOT_IN_SESSION', 'This connection has not joined the session; join it first.');
}
