import { keepHouse } from './flows/housekeeping.ts';
import { sweepPresence } from './flows/sweep-presence.ts';
import { isAway } from './presence/redis-failure.ts';
import { type SweepTime, sweep } from './runtime/sweep.ts';
import { holdLease } from './runtime/sweep-lease.ts';

/**
 * Schedule `timeout-sweep`: announces who timed out or did not come back, once a second while anybody is present; it ends
 * at once when nobody is. First it does what is due once a minute.
 */
export const handler = sweep('timeout', async (time: SweepTime) => {
  if (!(await mayRun())) return;
  await Promise.all([keepHouse(), sweepPresence(time)]);
});

/** Only where another sweep runs this one does not; while Redis is away nobody can say. */
async function mayRun(): Promise<boolean> {
  try {
    return await holdLease();
  } catch (error) {
    if (isAway(error)) return true;
    throw error;
  }
}
