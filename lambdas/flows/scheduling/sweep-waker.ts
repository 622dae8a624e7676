import { isAway } from '../../platform/unavailable.ts';
import type { Services } from '../../services/services.ts';
import type { SweepEvent } from './sweep-run.ts';

/**
 * Makes sure that the sweep visits a session by `deadline`. A sweep ends when nobody is present, so the first to come
 * afterwards starts it: the schedule alone would be up to a minute late. So does whoever finds that a sweep died. While
 * Redis is away it does nothing: the sweep then visits everything once Redis is back.
 */
export async function scheduleVisit(services: Services, sessionId: string, deadline: number): Promise<void> {
  await tellSweep(services, sessionId, () => services.deadlines.schedule(sessionId, deadline));
}

/** Makes sure that the sweep watches the windows of a session for as long as something moves there (rule DE3). */
export async function requestWatch(services: Services, sessionId: string): Promise<void> {
  await tellSweep(services, sessionId, () => services.movingSessions.add(sessionId, services.clock()));
}

/** @param tell answers whether a sweep has the shard of the session, and will hear of it. */
async function tellSweep(services: Services, sessionId: string, tell: () => Promise<boolean>): Promise<void> {
  const functionName = services.sweepFunction;
  try {
    if (!(await tell()) && functionName) await startSweep(services, functionName, {});
  } catch (error) {
    if (!isAway(error, 'redis')) throw error;
    services.log.warn('The sweep could not be told while Redis was away', { sessionId, error: error.cause as Error });
  }
}

/** Starts a sweep. Where that fails the schedule does within the minute: nothing else may fail for it. */
export async function startSweep(services: Services, functionName: string, event: SweepEvent): Promise<void> {
  try {
    await services.startFunction(functionName, event);
  } catch (error) {
    services.log.warn('The timeout sweep could not be started at once', error as Error);
  }
}
