import { isAway } from '../../platform/unavailable.ts';
import type { Services } from '../../services/services.ts';
import type { SweepEvent } from './sweep-run.ts';

/**
 * Makes sure that a sweep visits a session by `deadline`. A sweep ends when nobody is present, so the first call after that
 * starts one: the schedule alone could be a minute late. The same helps if a sweep died. While Redis is away it does
 * nothing, because the sweep visits everything once Redis is back.
 */
export async function scheduleVisit(services: Services, sessionId: string, deadline: number): Promise<void> {
  await tellSweep(services, sessionId, () => services.deadlines.schedule(sessionId, deadline));
}

/** Makes sure that a sweep watches the windows of a session as long as something moves there (rule DE3). */
export async function requestWatch(services: Services, sessionId: string): Promise<void> {
  await tellSweep(services, sessionId, () => services.movingSessions.add(sessionId, services.clock()));
}

/** @param tell writes the request and returns whether a sweep holds the shard and will find it. */
async function tellSweep(services: Services, sessionId: string, tell: () => Promise<boolean>): Promise<void> {
  const functionName = services.sweepFunction;
  try {
    if (!(await tell()) && functionName) await startSweep(services, functionName, {});
  } catch (error) {
    if (!isAway(error, 'redis')) throw error;
    services.log.warn('The sweep could not be told while Redis was away', { sessionId, error: error.cause as Error });
  }
}

/** Starts a sweep. If that fails, the schedule starts one within the minute, so nothing else fails for it. */
export async function startSweep(services: Services, functionName: string, event: SweepEvent): Promise<void> {
  try {
    await services.startFunction(functionName, event);
  } catch (error) {
    services.log.warn('The timeout sweep could not be started at once', error as Error);
  }
}
