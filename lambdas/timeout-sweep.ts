import { keepHouse } from './flows/housekeeping.ts';
import { sweepPresence, tickMillis } from './flows/sweep-presence.ts';
import { isAway } from './presence/redis-failure.ts';
import { type SweepRun, type SweepTime, sweep } from './runtime/sweep.ts';
import { holdLease } from './runtime/sweep-lease.ts';

/**
 * Schedule `timeout-sweep`: announces who timed out or did not come back, once a second while anybody is present; it ends
 * at once when nobody is. First it does what is due once a minute.
 */
export const handler = sweep('timeout', async (run: SweepRun) => {
  if (!(await mayRun()) && !(run.isScheduled && (await succeeds(run)))) return;
  await Promise.all([keepHouse(), sweepPresence(run)]);
});

/**
 * Waits for the end of the sweep that runs. One that somebody's coming started ends in the middle of a minute: without a
 * successor nobody's silence would be noticed before the next minute, and the next sweep would take the pause for an outage
 * of Redis and give everybody, gone or not, a new sign of life (rule PR12).
 */
async function succeeds(time: SweepTime): Promise<boolean> {
  while (time.remaining() > tickMillis) {
    await new Promise((resolve) => setTimeout(resolve, tickMillis));
    if (await mayRun()) return true;
  }
  return false;
}

/** Only where another sweep runs this one does not; while Redis is away nobody can say. */
async function mayRun(): Promise<boolean> {
  try {
    return await holdLease();
  } catch (error) {
    if (isAway(error)) return true;
    throw error;
  }
}
