import type { Drill } from './drills.ts';
import { conclude } from './outcome.ts';

/** Redis loses all its data while users act. */
export const emptiedCache: Drill = async (venue, crowd, say) => {
  await crowd.allConfirmed();
  const failedAt = Date.now();
  await venue.emptyCache();
  say('FLUSHALL: Redis has no session, no user and no deadline any more');
  const recovery = { 'activities are confirmed': await crowd.allConfirmed() };
  return conclude(venue, crowd, { recovery, failedAt });
};
