import { sweep } from '../adapters/sweep.ts';
import { services as composed } from '../composition/services.ts';
import type { SweepRun } from '../flows/scheduling/sweep-run.ts';
import { runHousekeeping } from '../flows/sweep/housekeeping.ts';
import { PresenceSweep } from '../flows/sweep/sweep-presence.ts';
import type { Services } from '../services/services.ts';

/**
 * Schedule `timeout-sweep`: ends the stays of users who timed out or did not come back, once a second. It ends at once if
 * nobody is present. If one sweep is not enough, it starts others. In parallel it does what is due once a minute.
 */
export const timeoutSweep = (services: Services, housekeeping = runHousekeeping) =>
  sweep('timeout', services, async (run: SweepRun) => {
    const presence = new PresenceSweep(services, run);
    if (!(await presence.join())) return;
    await Promise.all([run.cause === 'load' ? undefined : housekeeping(services), presence.run()]);
  });

export const handler = timeoutSweep(composed);
