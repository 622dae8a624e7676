import { sweepDatabase } from '../runtime/database.ts';
import { log } from '../runtime/log.ts';
import { touchSessions } from '../sessions/touch-sessions.ts';
import type { Sighted } from './visit-sessions.ts';

/**
 * Writes down who was seen, for all sessions of a round in one statement, so that a heartbeat never writes to
 * PostgreSQL. While it is away presence goes on; the next round writes the newer times (rule FA3).
 */
export async function writeSightings(sighted: Sighted[]): Promise<void> {
  if (sighted.length === 0) return;
  const rows = sighted.map(({ sessionId, userId, at }) => ({ sessionId, personId: userId, at }));
  try {
    await touchSessions(sweepDatabase(), rows);
  } catch (error) {
    log.warn('Signs of life could not be written down', error as Error);
  }
}
