import { keepHouse } from './flows/housekeeping.ts';
import { sweepPresence } from './flows/sweep-presence.ts';
import { isAway } from './presence/redis-failure.ts';
import { type SweepRun, type SweepTime, sweep } from './runtime/sweep.ts';
import { holdLease } from './runtime/sweep-lease.ts';

/** Between two looks whether the sweep that runs has ended. */
const lookMillis = 1000;

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
 * successor nobody's silence would be noticed before the next minute (rule PR12).
 */
async function succeeds(time: SweepTime): Promise<boolean> {
  while (time.remaining() > lookMillis) {
    await new Promise((resolve) => setTimeout(resolve, lookMillis));
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
