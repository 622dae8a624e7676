import type { Session } from '../../../protocol/entities.ts';
import type { LivenessEvent } from '../../liveness/liveness-settings.ts';
import { isAway } from '../../platform/unavailable.ts';
import type { Services } from '../../services/services.ts';

/**
 * Tells all connections of the owner of a session or machine that it became active or inactive. A connection that has ended
 * is skipped; its `$disconnect` or its timeout ends its seats.
 */
export async function announceLiveness(services: Services, event: LivenessEvent): Promise<void> {
  const { ownerId, ...frame } = event;
  const connections = await services.registry.connectionsOf(ownerId);
  await services.messenger.broadcast(connections, frame, { kind: 'state' });
}

/** The same for a session that the current request made active again. The request does not fail if this fails. */
export async function announceRevival(services: Services, { id, ownerId, lastActiveAt }: Session): Promise<void> {
  try {
    await announceLiveness(services, {
      type: 'session_activity',
      sessionId: id,
      active: true,
      activeAt: lastActiveAt,
      ownerId,
    });
  } catch (error) {
    if (!isAway(error, 'connections')) throw error;
    services.log.warn('The owner of a session could not be told that it is active', { sessionId: id, error });
  }
}
