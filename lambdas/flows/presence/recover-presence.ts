import { inParallel } from '../../platform/in-parallel.ts';
import { logFailure } from '../../platform/log-failure.ts';
import type { Services } from '../../services/services.ts';
import { rebuildSession } from '../connections/rebuild-session.ts';
import { announce } from './announce.ts';

/** Sessions rebuilt at the same time. */
const parallelSessions = 50;

/**
 * Redis was away and is back: signs of life had nowhere to go, so nobody may be judged by the old ones. Every session
 * begins anew with who is connected (rule FA1).
 */
export async function recoverPresence(services: Services): Promise<void> {
  await relearnIndex(services, services.clock());
  await inParallel(await services.deadlines.all(), parallelSessions, (sessionId) => bringBack(services, sessionId));
}

/** Begins a session anew with who is connected, and tells what that changed. A failure is logged: a later one comes by. */
export async function bringBack(services: Services, sessionId: string): Promise<void> {
  try {
    const outcome = await rebuildSession(services, sessionId, { onlyIfLost: false });
    if (outcome) await announce(services, sessionId, outcome);
  } catch (error) {
    logFailure(services.log, 'A session could not be rebuilt', error, { sessionId });
  }
}

/**
 * Where Redis, or a part of its cluster, lost its memory, the index of deadlines is gone with it. PostgreSQL knows where
 * somebody holds a slot; each of these sessions is visited at once, which brings it back from the connection table. So
 * somebody who never sends another frame is still announced in time (rules FA2, PR12).
 */
export async function relearnIndex(services: Services, now: number): Promise<void> {
  if (await services.deadlines.isWhole()) return;
  try {
    for await (const sessionIds of services.sweepQueries.occupiedSessions()) {
      await Promise.all(sessionIds.map((sessionId) => services.deadlines.schedule(sessionId, now)));
    }
    await services.deadlines.markWhole();
  } catch (error) {
    logFailure(services.log, 'The index of deadlines is not whole yet; the next round tries again', error);
  }
}
