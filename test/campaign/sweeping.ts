import { services } from '../../lambdas/composition/services.ts';
import { runHousekeeping } from '../../lambdas/flows/sweep/housekeeping.ts';
import { sweepOnce } from '../support/sweep-once.ts';

/** The work of the schedules, each as a separate operation. */
export const sweeps = {
  visit: () => sweepOnce(services),
  house: () => runHousekeeping(services),
  cleanup: () => services.cleanup.runCleanup(),
  replay: () => services.sweepActivity.replayOutbox(),
  seal: () => services.sweepActivity.sealChains(),
  retain: () => services.sweepActivity.removeExpired(),
} as const satisfies Record<string, () => Promise<unknown>>;
