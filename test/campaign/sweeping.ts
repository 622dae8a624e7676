import { sessionCleanup } from '../../lambdas/flows/sessions/session-cleanup.ts';
import { keepHouse } from '../../lambdas/flows/sweep/housekeeping.ts';
import { sweepActivity } from '../../lambdas/services/activity.ts';
import { sweepOnce } from '../support/sweep-once.ts';

/** What the schedules do, each as an operation of its own. */
export const sweeps = {
  visit: () => sweepOnce(),
  house: keepHouse,
  cleanup: () => sessionCleanup().runCleanup(),
  replay: () => sweepActivity().replayOutbox(),
  seal: () => sweepActivity().sealChains(),
  retain: () => sweepActivity().removeExpired(),
} as const satisfies Record<string, () => Promise<unknown>>;
