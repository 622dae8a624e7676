import { sweep } from '../adapters/sweep.ts';
import { services as composed } from '../composition/services.ts';
import type { SweepTime } from '../flows/scheduling/sweep-run.ts';
import { attempt, keepHouse } from '../flows/sweep/housekeeping.ts';
import type { Services } from '../services/services.ts';

const minuteMillis = 60_000;

/**
 * Schedule `cleanup-sweep`: warns about, expires and purges sessions; replays the outbox, seals the audit trail and removes
 * old entries.
 */
export const cleanupSweep = (services: Services) =>
  sweep('cleanup', services.log, async (time: SweepTime) => {
    const ends = services.clock() + minuteMillis;
    const interval = services.timings.cleanupIntervalMillis;
    // The schedule starts this function at most once a minute. A shorter interval is repeated within the minute.
    do {
      const started = services.clock();
      await tidy(services);
      const wait = started + interval - services.clock();
      if (interval >= minuteMillis || services.clock() + wait >= ends || wait > time.remaining()) return;
      await new Promise((resolve) => setTimeout(resolve, Math.max(0, wait)));
    } while (time.remaining() > 0);
  });

export const handler = cleanupSweep(composed);

async function tidy(services: Services): Promise<void> {
  await services.cleanup.runCleanup();
  await keepHouse(services);
  await attempt(services, 'Old activity could not be removed', () => services.sweepActivity.removeExpired());
}
