import { sweepDatabase } from '../runtime/database.ts';
import { log } from '../runtime/log.ts';
import { placelessPeople } from '../sessions/placeless-people.ts';
import { touchSessions } from '../sessions/touch-sessions.ts';
import { announceLiveness } from './announce-liveness.ts';
import { endPlacelessPresence } from './reconcile-presence.ts';
import type { Sighted } from './visit-sessions.ts';

/**
 * Writes down who was seen, for all sessions of a round in one statement, so that a heartbeat never writes to
 * PostgreSQL; the owner of a session that this brings back to life is told (rule SE4). Who was seen without a place is
 * taken out. While PostgreSQL is away presence goes on; the next round writes the newer times (rule FA3).
 */
export async function writeSightings(sighted: Sighted[]): Promise<void> {
  if (sighted.length === 0) return;
  const rows = sighted.map(({ sessionId, userId, at }) => ({ sessionId, personId: userId, at }));
  try {
    const revived = await touchSessions(sweepDatabase(), rows);
    await Promise.all([
      ...revived.map((session) => announceLiveness({ type: 'session_activity', active: true, ...session })),
      ...(await placelessPeople(sweepDatabase(), rows)).map(endPlacelessPresence),
    ]);
  } catch (error) {
    log.warn('Signs of life could not be written down', error as Error);
  }
}
