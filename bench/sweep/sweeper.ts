/** A process that is one execution environment of the timeout sweep: one invocation after the other, as the schedule does. */
import { randomUUID } from 'node:crypto';
import type { Context } from 'aws-lambda';
import { handler } from '../../lambdas/handlers/timeout-sweep.ts';

/** As the stack sets it. */
const timeoutMillis = 65_000;

for (;;) {
  const ends = Date.now() + timeoutMillis;
  const context = {
    ...{ awsRequestId: randomUUID(), functionName: 'timeout-sweep' },
    getRemainingTimeInMillis: () => ends - Date.now(),
  } as Context;
  await handler({ source: 'aws.events' }, context);
}
