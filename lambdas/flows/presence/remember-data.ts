import type { ToldData } from '../../platform/kept-data.ts';
import { log } from '../../platform/log.ts';
import { isAway } from '../../platform/unavailable.ts';
import type { Seat } from '../../presence/presence-store.ts';
import { registry } from '../../services/delivery.ts';

/**
 * Writes what a user told of themselves into the connection table, too, from which a session is brought back after Redis
 * lost it (rules PR16, FA2). While the table is away Redis alone remembers (rule FA4).
 */
export async function rememberData(seat: Seat, told: ToldData): Promise<void> {
  try {
    await registry().setData(seat, told);
  } catch (error) {
    if (!isAway(error, 'connections')) throw error;
    log.warn('Data of a user could not be written down', { sessionId: seat.sessionId, error: error.cause as Error });
  }
}
