import type { Pool } from 'pg';
import { FigureStore } from '../../lambdas/figures/figure-store.ts';

const slotMillis = 10_000;

/**
 * Writes figures of a busy service into an hour, as its sweeps would have done. They are the same in each run.
 *
 * @param to the end of the hour, Unix milliseconds.
 */
export async function fillFigures(pool: Pool, to: number): Promise<void> {
  const store = new FigureStore(pool);
  const last = Math.floor(to / slotMillis) * slotMillis - slotMillis;
  for (let step = 0; step < 359; step += 1) {
    const wave = 1 + 0.4 * Math.sin(step / 40) + 0.08 * Math.sin(step / 3);
    const people = Math.round(1200 * wave);
    const online = Math.round(people * (0.82 + 0.05 * Math.sin(step / 17)));
    const slot = last - step * slotMillis;
    const received = Math.round(people * 2.1);
    const isMinute = slot % 60_000 === 0;
    await store.addCounters(slot, {
      ...{ visits: 900, failedVisits: step % 90 === 0 ? 3 : 0, redisMillis: 900 * (0.4 + 0.1 * wave) },
      ...{ timeouts: Math.round(2 + 2 * Math.sin(step / 9)), received, posted: received * 3, fanOut: received * 14 },
      sweepLag: 40 + 25 * wave,
    });
    await store.writeFound(slot, {
      ...{ activeUsers: people, online, activeSessions: Math.round(people / 4.2), dollarsPerHour: 0.0021 * people },
      ...{ joins: Math.round(14 * wave), restraint: 1, sweeps: 1, redisConnections: 18 + Math.round(4 * wave) },
      leaves: { left: Math.round(7 * wave), disconnected: Math.round(4 * wave), timeout: 1 },
      outboxDepth: isMinute ? Math.round(3 * Math.abs(Math.sin(step / 25))) : null,
      sessions: isMinute ? { active: 420 - step, completed: 2200 + step, expired: 310, failed: 4 } : null,
      cleanup: isMinute
        ? {
            totalSessions: 2934,
            activeSessions: 420 - step,
            inactiveSessions: 2514 + step,
            sessionsWithRecentActivity: 388,
          }
        : null,
    });
  }
}
