import { inParallel } from '../../platform/in-parallel.ts';
import { isAway } from '../../platform/unavailable.ts';
import type { MovingSession } from '../../presence/moving-sessions.ts';
import { isUnknown } from '../../presence/outcome.ts';
import type { Services } from '../../services/services.ts';
import { announce } from '../presence/announce.ts';

/** Windows read at the same time. */
const parallelReads = 200;
/** The note that a session is watched is renewed when it has less than this left. */
const renewMillis = 5000;
/** A session whose last window ended this long ago may be still. */
const stillMillis = 2000;

/**
 * Looks at the windows of all sessions of these shards in which something moves: one read each. What a dead flusher left
 * is sent (rule DE3); a session where nothing moves any more is watched no longer.
 */
export async function watchWindows(services: Services, shards: readonly number[], now: () => number): Promise<void> {
  const moving = await Promise.all(shards.map((shard) => services.movingSessions.of(shard)));
  await inParallel(moving.flat(), parallelReads, async (session) => {
    try {
      await watchWindow(services, session, now());
    } catch (error) {
      if (isAway(error)) throw error;
      services.log.error('A window could not be watched', { sessionId: session.sessionId, error: error as Error });
      // A session whose window cannot be read must not keep the others from being watched.
      await services.movingSessions.drop(session);
    }
  });
}

async function watchWindow(services: Services, session: MovingSession, now: number): Promise<void> {
  const { sessionId } = session;
  const window = await services.movingSessions.window(sessionId);
  if (!window) return letVisit(services, session, now);
  const { promisedAt, endsAt, watchedUntil } = window;
  // A flusher that lives may be a little late.
  if (promisedAt !== undefined && now > promisedAt + services.timings.batchMillis)
    return flushFor(services, session, promisedAt, now);
  if (now <= endsAt + stillMillis && watchedUntil > now + renewMillis) return;
  if (!(await services.presence.store.keepWatch(sessionId, now))) await services.movingSessions.drop(session);
}

/** Sends what waits for the end of a window whose flusher died. */
async function flushFor(services: Services, session: MovingSession, promisedAt: number, now: number): Promise<void> {
  const { sessionId } = session;
  const outcome = await services.presence.store.flush(sessionId, promisedAt, now);
  if (isUnknown(outcome)) return letVisit(services, session, now);
  if (outcome.batch) services.log.info('A flusher died; the sweep sent what waited', { sessionId });
  await announce(services, sessionId, outcome);
}

/** Redis forgot the session, or its window: a visit finds what is left of it and brings the rest back. */
async function letVisit(services: Services, session: MovingSession, now: number): Promise<void> {
  await services.deadlines.schedule(session.sessionId, now);
  await services.movingSessions.drop(session);
}
