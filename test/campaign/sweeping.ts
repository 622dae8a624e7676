import { keepHouse } from '../../lambdas/flows/housekeeping.ts';
import { sessionCleanup } from '../../lambdas/flows/session-cleanup.ts';
import { writeSightings } from '../../lambdas/flows/sightings.ts';
import { visitDueSessions } from '../../lambdas/flows/visit-sessions.ts';
import { sweepActivity } from '../../lambdas/runtime/activity.ts';

/** What the schedules do, each as an operation of its own. */
export const sweeps = {
  visit: async () => writeSightings(await visitDueSessions(Date.now())),
  house: keepHouse,
  cleanup: () => sessionCleanup().runCleanup(),
  replay: () => sweepActivity().replayOutbox(),
  seal: () => sweepActivity().sealChains(),
  retain: () => sweepActivity().removeExpired(),
} as const satisfies Record<string, () => Promise<unknown>>;
