import { inParallel } from '../../platform/in-parallel.ts';
import { isAway } from '../../platform/unavailable.ts';
import type { MovingSession } from '../../presence/moving-sessions.ts';
import { isUnknown } from '../../presence/outcome.ts';
import type { Services } from '../../services/services.ts';
import { announce } from '../presence/announce.ts';
import type { ServiceSpending } from './service-spending.ts';

/** Windows read at the same time. */
const parallelReads = 200;
/** The mark that a sweep watches a session is renewed if it expires within this time. */
const renewMillis = 5000;
/** If the last window of a session ended this long ago, its cursors may not move any more. */
const stillMillis = 2000;

/**
 * Looks at the windows of all sessions of these shards in which cursors move, with one read each. It sends what a dead
 * flusher left (rule DE3), and stops watching a session in which no cursor moves any more.
 */
export async function watchWindows(
  services: Services,
  shards: readonly number[],
  now: () => number,
  spending: Pick<ServiceSpending, 'note' | 'restraint'>,
): Promise<void> {
  const moving = await Promise.all(shards.map((shard) => services.movingSessions.of(shard)));
  await inParallel(moving.flat(), parallelReads, async (session) => {
    try {
      await watchWindow(services, session, now(), spending);
    } catch (error) {
      if (isAway(error)) throw error;
      services.log.error('A window could not be watched', { sessionId: session.sessionId, error: error as Error });
      // A session whose window cannot be read must not keep the others from being watched.
      await services.movingSessions.drop(session);
    }
  });
}

async function watchWindow(
  services: Services,
  session: MovingSession,
  now: number,
  service: Pick<ServiceSpending, 'note' | 'restraint'>,
): Promise<void> {
  const { sessionId } = session;
  const window = await services.movingSessions.window(sessionId);
  if (!window) return leaveToVisit(services, session, now);
  const { promisedAt, endsAt, watchedUntil, thinnedUntil } = window;
  // A flusher that is still running may be a little late.
  if (promisedAt !== undefined && now > promisedAt + services.timings.batchMillis)
    return flushFor(services, session, promisedAt, now);
  // Cursors that were thinned out have no flusher. If no frame comes after that time, a visit sends them.
  if (promisedAt === undefined && thinnedUntil > 0 && now > thinnedUntil)
    await services.deadlines.schedule(sessionId, now);
  if (now <= endsAt + stillMillis && watchedUntil > now + renewMillis) return;
  const { moves, spending } = await services.presence.store.keepWatch(sessionId, now, service.restraint);
  await service.note(sessionId, spending);
  if (!moves) await services.movingSessions.drop(session);
}

/** Sends what waits for the end of a window whose flusher died. */
async function flushFor(services: Services, session: MovingSession, promisedAt: number, now: number): Promise<void> {
  const { sessionId } = session;
  const outcome = await services.presence.store.flush(sessionId, promisedAt, now);
  if (isUnknown(outcome)) return leaveToVisit(services, session, now);
  if (outcome.batch) services.log.info('A flusher died; the sweep sent what waited', { sessionId });
  await announce(services, sessionId, outcome);
}

/** Redis lost the session, or its window. A visit announces what it still finds and rebuilds the rest. */
async function leaveToVisit(services: Services, session: MovingSession, now: number): Promise<void> {
  await services.deadlines.schedule(session.sessionId, now);
  await services.movingSessions.drop(session);
}
