import type { Membership } from '../../connections/connection-registry.ts';
import { inParallel } from '../../platform/in-parallel.ts';
import { logFailure } from '../../platform/log-failure.ts';
import { isAway } from '../../platform/unavailable.ts';
import type { Services } from '../../services/services.ts';
import { rebuildSession } from '../connections/rebuild-session.ts';
import { announce } from './announce.ts';
import { takeOverGuests } from './take-over-guest.ts';

/** Sessions that are rebuilt at the same time. */
const parallelSessions = 50;

/**
 * Rebuilds every session from the connection table after Redis was away (rule FA1). Redis could not receive signs of life,
 * so the stored ones must not end anybody's presence.
 *
 * @returns the sessions that could not be rebuilt because a store is away.
 */
export async function recoverPresence(services: Services): Promise<string[]> {
  await relearnIndex(services, services.clock());
  return bringAllBack(services, await services.deadlines.all());
}

/** Rebuilds many sessions. @returns those that could not be rebuilt because a store is away. */
export async function bringAllBack(services: Services, sessionIds: readonly string[]): Promise<string[]> {
  const failed: string[] = [];
  await inParallel(sessionIds, parallelSessions, async (sessionId) => {
    if (!(await bringBack(services, sessionId))) failed.push(sessionId);
  });
  return failed;
}

/**
 * Rebuilds one session and announces what that changed. A failure is only logged, because a later visit tries again.
 *
 * @returns false if it could not be rebuilt because a store is away. Any other failure would come again, so it does not count: one bad
 *   session must not hold up the timeouts of all others.
 */
export async function bringBack(services: Services, sessionId: string): Promise<boolean> {
  try {
    // A guest may have signed in meanwhile. The user continues their presence before everybody is seated.
    const prepare = (members: readonly Membership[]) => takeOverGuests(services, members);
    const outcome = await rebuildSession(services, sessionId, { onlyIfLost: false, prepare });
    if (outcome) await announce(services, sessionId, outcome);
  } catch (error) {
    logFailure(services.log, 'A session could not be rebuilt', error, { sessionId });
    return !isAway(error);
  }
  return true;
}

/**
 * Restores the deadline index after Redis, or a node of its cluster, lost its data. PostgreSQL knows in which sessions users
 * hold a slot. Each of these sessions is due at once, and its visit rebuilds it from the connection table. So the timeout of
 * a user who sends no further frame is still announced in time (rules FA2, PR12).
 */
export async function relearnIndex(services: Services, now: number): Promise<void> {
  if (await services.deadlines.isComplete()) return;
  try {
    for await (const sessionIds of services.sweepQueries.occupiedSessions()) {
      await Promise.all(sessionIds.map((sessionId) => services.deadlines.schedule(sessionId, now)));
    }
    await services.deadlines.markComplete();
  } catch (error) {
    logFailure(services.log, 'The deadline index is not complete yet; the next round tries again', error);
  }
}
