import { InvokeCommand, LambdaClient } from '@aws-sdk/client-lambda';
import { environmentNames } from '../../platform/environment.ts';
import { log } from '../../platform/log.ts';
import { once } from '../../platform/once.ts';
import { isAway } from '../../platform/unavailable.ts';
import { deadlines, movingSessions } from '../../services/presence.ts';
import type { SweepEvent } from './sweep-run.ts';

const lambda = once(() => new LambdaClient({ maxAttempts: 2 }));

/**
 * Makes sure that the sweep visits a session by `deadline`. A sweep ends when nobody is present, so the first to come
 * afterwards starts it: the schedule alone would be up to a minute late. So does whoever finds that a sweep died. While
 * Redis is away it does nothing: the sweep then visits everything once Redis is back.
 */
export async function expectVisit(sessionId: string, deadline: number): Promise<void> {
  await tellSweep(sessionId, () => deadlines().schedule(sessionId, deadline));
}

/** Makes sure that the sweep watches the windows of a session for as long as something moves there (rule DE3). */
export async function expectWatch(sessionId: string): Promise<void> {
  await tellSweep(sessionId, () => movingSessions().add(sessionId, Date.now()));
}

/** @param tell answers whether a sweep has the shard of the session, and will hear of it. */
async function tellSweep(sessionId: string, tell: () => Promise<boolean>): Promise<void> {
  const functionName = process.env[environmentNames.timeoutSweepFunction];
  try {
    if (!(await tell()) && functionName) await startSweep(functionName, {});
  } catch (error) {
    if (!isAway(error, 'redis')) throw error;
    log.warn('The sweep could not be told while Redis was away', { sessionId, error: error.cause as Error });
  }
}

/** Starts a sweep. Where that fails the schedule does within the minute: nothing else may fail for it. */
export async function startSweep(functionName: string, event: SweepEvent): Promise<void> {
  const Payload = JSON.stringify(event);
  try {
    await lambda().send(new InvokeCommand({ FunctionName: functionName, InvocationType: 'Event', Payload }));
  } catch (error) {
    log.warn('The timeout sweep could not be started at once', error as Error);
  }
}
