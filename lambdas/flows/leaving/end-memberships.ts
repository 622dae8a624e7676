import type { Receiver } from '../../presence/outcome.ts';
import type { Services } from '../../services/services.ts';
import { seatedConnections } from '../presence/seated-connections.ts';

/**
 * Deletes the memberships of a user in a session, before their seats end. With a membership, their next frame would take the seat
 * again. The index of the connection table may lack the newest joins, so Redis is asked as well.
 *
 * @returns the connections that had a membership or a seat.
 */
export async function endMemberships(services: Services, sessionId: string, userId: string): Promise<Receiver[]> {
  const [listed, seated] = await Promise.all([
    services.registry.members(sessionId),
    seatedConnections(services, sessionId),
  ]);
  const ofUser: Receiver[] = [...listed, ...seated].filter((one) => one.userId === userId);
  const connections = [...new Map(ofUser.map((one): [string, Receiver] => [one.connectionId, one])).values()];
  await services.registry.leaveAll(connections.map(({ connectionId }) => ({ connectionId, sessionId })));
  return connections;
}
