import type { CheckpointMaker } from '../activity/checkpoint-maker.ts';
import { sweep } from '../adapters/sweep.ts';
import { checkpointMaker } from '../composition/checkpoint-maker.ts';
import { services as composed } from '../composition/services.ts';
import type { SweepTime } from '../flows/scheduling/sweep-run.ts';
import { runHousekeeping } from '../flows/sweep/housekeeping.ts';
import { attempt } from '../platform/attempt.ts';
import type { Services } from '../services/services.ts';

const minuteMillis = 60_000;

/**
 * Schedule `cleanup-sweep`: warns about, expires and purges sessions; replays the outbox, seals the audit trail, makes its
 * checkpoints, counts the analytics and removes old entries and counts.
 *
 * @param checkpoints makes the checkpoints.
 */
export const cleanupSweep = (services: Services, checkpoints: () => Pick<CheckpointMaker, 'run' | 'removeExpired'>) =>
  sweep('cleanup', services, async (time: SweepTime) => {
    const ends = services.clock() + minuteMillis;
    const interval = services.timings.cleanupIntervalMillis;
    // The schedule starts this function at most once a minute. A shorter interval is repeated within the minute.
    do {
      const started = services.clock();
      await tidy(services, checkpoints);
      const wait = started + interval - services.clock();
      if (interval >= minuteMillis || services.clock() + wait >= ends || wait > time.remaining()) return;
      await new Promise((resolve) => setTimeout(resolve, Math.max(0, wait)));
    } while (time.remaining() > 0);
  });

export const handler = cleanupSweep(composed, checkpointMaker);

async function tidy(services: Services, checkpoints: Parameters<typeof cleanupSweep>[1]): Promise<void> {
  await services.cleanup.runCleanup();
  await runHousekeeping(services);
  await attempt(services.log, 'Old activity could not be removed', () => services.sweepActivity.removeExpired());
  await attempt(services.log, 'Old counts could not be removed', () => services.rollup.removeExpired());
  await attempt(services.log, 'Old webhooks could not be removed', () =>
    services.webhookQueue.removeExpired(services.clock()),
  );
  await attempt(services.log, 'The checkpoint of the audit trail could not be made', () => checkpoints().run());
  await attempt(services.log, 'Old checkpoints could not be shortened', () => checkpoints().removeExpired());
}
