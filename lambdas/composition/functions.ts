import { InvokeCommand, LambdaClient } from '@aws-sdk/client-lambda';
import { environmentNames } from '../platform/environment.ts';
import { once } from '../platform/once.ts';

const lambda = once(() => new LambdaClient({ maxAttempts: 2 }));

/** The name of the function that sweeps; undefined for functions that may not start it. */
export const sweepFunction = () => process.env[environmentNames.timeoutSweepFunction];

/** Starts a function and does not wait for its end. @throws the AWS error if it cannot be started. */
export async function startFunction(name: string, event: object): Promise<void> {
  const Payload = JSON.stringify(event);
  await lambda().send(new InvokeCommand({ FunctionName: name, InvocationType: 'Event', Payload }));
}
