import { isAway } from '../../platform/unavailable.ts';
import type { Receiver } from '../../presence/outcome.ts';
import type { Services } from '../../services/services.ts';

/** The connections that have a seat in a session. None while Redis is away. */
export async function seatedConnections(services: Services, sessionId: string): Promise<Receiver[]> {
  try {
    return await services.presence.store.receivers(sessionId);
  } catch (error) {
    if (!isAway(error, 'redis')) throw error;
    return [];
  }
}
