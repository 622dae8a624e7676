import type { ToldData } from '../../platform/kept-data.ts';
import { isAway } from '../../platform/unavailable.ts';
import type { Seat } from '../../presence/presence-store.ts';
import type { Services } from '../../services/services.ts';

/**
 * Writes what a user told of themselves into the connection table, too, from which a session is brought back after Redis
 * lost it (rules PR16, FA2). While the table is away Redis alone remembers (rule FA4).
 */
export async function rememberData(services: Services, seat: Seat, told: ToldData): Promise<void> {
  try {
    await services.registry.setData(seat, told);
  } catch (error) {
    if (!isAway(error, 'connections')) throw error;
    services.log.warn('Data of a user could not be written down', {
      sessionId: seat.sessionId,
      error: error.cause as Error,
    });
  }
}
