/**
 * A process that acts as one execution environment of the timeout sweep. It runs one invocation after the other, as the
 * schedule does.
 */
import { randomUUID } from 'node:crypto';
import type { Context } from 'aws-lambda';
import { handler } from '../../lambdas/handlers/timeout-sweep.ts';

/** The same value as in the stack. */
const timeoutMillis = 65_000;

for (;;) {
  const ends = Date.now() + timeoutMillis;
  const context = {
    ...{ awsRequestId: randomUUID(), functionName: 'timeout-sweep' },
    getRemainingTimeInMillis: () => ends - Date.now(),
  } as Context;
  await handler({ source: 'aws.events' }, context);
}
