import { sweep } from '../adapters/sweep.ts';
import { services as composed } from '../composition/services.ts';
import type { SweepRun } from '../flows/scheduling/sweep-run.ts';
import { keepHouse } from '../flows/sweep/housekeeping.ts';
import { PresenceSweep } from '../flows/sweep/sweep-presence.ts';
import type { Services } from '../services/services.ts';

/**
 * Schedule `timeout-sweep`: announces who timed out or did not come back, once a second while anybody is present; it ends
 * at once when nobody is. Where one sweep is not enough it calls others. What is due once a minute is done beside it.
 */
export const timeoutSweep = (services: Services, housekeeping = keepHouse) =>
  sweep('timeout', services.log, async (run: SweepRun) => {
    const presence = new PresenceSweep(services, run);
    if (!(await presence.join())) return;
    await Promise.all([run.cause === 'load' ? undefined : housekeeping(services), presence.run()]);
  });

export const handler = timeoutSweep(composed);
