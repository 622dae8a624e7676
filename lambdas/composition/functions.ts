import { environmentNames } from '../platform/environment.ts';
import { once } from '../platform/once.ts';

/** Loaded at the first use, because few invocations start a function. */
const lambda = once(async () => {
  const { InvokeCommand, LambdaClient } = await import('@aws-sdk/client-lambda');
  return { InvokeCommand, client: new LambdaClient({ maxAttempts: 2 }) };
});

/** The name of the function that sweeps; undefined for functions that may not start it. */
export const sweepFunction = () => process.env[environmentNames.timeoutSweepFunction];

/** Starts a function and does not wait for its end. @throws the AWS error if it cannot be started. */
export async function startFunction(name: string, event: object): Promise<void> {
  const Payload = JSON.stringify(event);
  const { InvokeCommand, client } = await lambda();
  await client.send(new InvokeCommand({ FunctionName: name, InvocationType: 'Event', Payload }));
}
