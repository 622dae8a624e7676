import type { Role } from '../../../protocol/entities.ts';
import { isAway } from '../../platform/unavailable.ts';
import { isUnknown, type PresenceOutcome, type Receiver } from '../../presence/outcome.ts';
import type { Services } from '../../services/services.ts';
import { announce } from './announce.ts';
import { seatedConnections } from './seated-connections.ts';

/**
 * Brings the role of a user from PostgreSQL to Redis and the connection table, and tells the others.
 *
 * @returns the connections in the session. Undefined while Redis is away or does not know the session: then the sweep shows the role
 *   later (rule FA1).
 */
export async function showRole(
  services: Services,
  sessionId: string,
  userId: string,
  role: Role,
): Promise<Receiver[] | undefined> {
  const outcome = await inRedis(services, sessionId, userId, role);
  // After the change: Redis has connections whose memberships the index may lack.
  const receivers = outcome && (await seatedConnections(services, sessionId));
  const seated = receivers?.filter((one) => one.userId === userId).map(({ connectionId }) => connectionId);
  await services.registry.changeRole(sessionId, userId, role, seated);
  if (outcome) await announce(services, sessionId, outcome);
  return receivers;
}

async function inRedis(
  services: Services,
  sessionId: string,
  userId: string,
  role: Role,
): Promise<PresenceOutcome | undefined> {
  try {
    const outcome = await services.presence.store.changeRole(sessionId, userId, role, services.clock());
    return isUnknown(outcome) ? undefined : outcome;
  } catch (error) {
    if (!isAway(error, 'redis')) throw error;
    services.log.warn('A role was changed while Redis was away', { sessionId, userId, error: error.cause as Error });
    return undefined;
  }
}
