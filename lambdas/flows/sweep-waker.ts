import { InvokeCommand, LambdaClient } from '@aws-sdk/client-lambda';
import { presenceKeys } from '../presence/keys.ts';
import { environmentNames } from '../runtime/environment.ts';
import { log } from '../runtime/log.ts';
import { once } from '../runtime/once.ts';
import { deadlines } from '../runtime/presence.ts';
import { redis } from '../runtime/redis.ts';

const lambda = once(() => new LambdaClient({ maxAttempts: 2 }));

/**
 * Makes sure that the sweep visits a session by `deadline`. A sweep ends when nobody is present, so the first to come
 * afterwards starts it: the schedule alone would be up to a minute late.
 */
export async function expectVisit(sessionId: string, deadline: number): Promise<void> {
  const [, running] = await Promise.all([
    deadlines().schedule(sessionId, deadline),
    redis().exists(presenceKeys.sweepLease),
  ]);
  const functionName = process.env[environmentNames.timeoutSweepFunction];
  if (running || !functionName) return;
  try {
    await lambda().send(new InvokeCommand({ FunctionName: functionName, InvocationType: 'Event' }));
  } catch (error) {
    // The schedule starts it within the minute; a join must not fail for this.
    log.warn('The timeout sweep could not be started at once', error as Error);
  }
}
