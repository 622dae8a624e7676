import type { ChangedData } from '../../platform/kept-data.ts';
import { isAway } from '../../platform/unavailable.ts';
import type { Seat } from '../../presence/presence-store.ts';
import type { Services } from '../../services/services.ts';

/**
 * Stores the data of a user in the connection table too, from which a session is rebuilt after Redis lost it (rules PR16,
 * FA2). While the table is away, only Redis has the data (rule FA4).
 */
export async function rememberData(services: Services, seat: Seat, changedData: ChangedData): Promise<void> {
  try {
    await services.registry.setData(seat, changedData);
  } catch (error) {
    if (!isAway(error, 'connections')) throw error;
    services.log.warn('Data of a user could not be stored in the connection table', {
      sessionId: seat.sessionId,
      error: error.cause as Error,
    });
  }
}
