import { InvokeCommand, LambdaClient } from '@aws-sdk/client-lambda';
import { presenceKeys } from '../presence/keys.ts';
import { answered, isAway } from '../presence/redis-failure.ts';
import { environmentNames } from '../runtime/environment.ts';
import { log } from '../runtime/log.ts';
import { once } from '../runtime/once.ts';
import { deadlines } from '../runtime/presence.ts';
import { redis } from '../runtime/redis.ts';

const lambda = once(() => new LambdaClient({ maxAttempts: 2 }));

/**
 * Makes sure that the sweep visits a session by `deadline`. A sweep ends when nobody is present, so the first to come
 * afterwards starts it: the schedule alone would be up to a minute late. While Redis is away it does nothing: the sweep
 * then visits everything once Redis is back.
 */
export async function expectVisit(sessionId: string, deadline: number): Promise<void> {
  const functionName = process.env[environmentNames.timeoutSweepFunction];
  if ((await scheduleVisit(sessionId, deadline)) || !functionName) return;
  try {
    await lambda().send(new InvokeCommand({ FunctionName: functionName, InvocationType: 'Event' }));
  } catch (error) {
    // The schedule starts it within the minute; a join must not fail for this.
    log.warn('The timeout sweep could not be started at once', error as Error);
  }
}

/** Whether somebody will come: a sweep that runs now, or the one that waits for Redis. */
async function scheduleVisit(sessionId: string, deadline: number): Promise<boolean> {
  try {
    const [, running] = await Promise.all([
      deadlines().schedule(sessionId, deadline),
      answered(redis(), () => redis().exists(presenceKeys.sweepLease)),
    ]);
    return running === 1;
  } catch (error) {
    if (!isAway(error)) throw error;
    log.warn('A visit could not be scheduled while Redis was away', { sessionId, error: error.cause as Error });
    return true;
  }
}
