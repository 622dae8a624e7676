import type { SendingParts } from '../flows/webhooks/send-due.ts';
import { environmentNames } from '../platform/environment.ts';
import { once, required } from '../platform/once.ts';
import type { WebhookBatchResult } from '../webhooks/attempt.ts';
import { webhookSecrets } from './webhook-secrets.ts';

/** Longer than the sender may run. */
const senderMillis = 40_000;

const lambda = once(async () => {
  const { InvokeCommand, LambdaClient } = await import('@aws-sdk/client-lambda');
  // A second attempt would send the events twice.
  const requestHandler = { requestTimeout: senderMillis, throwOnRequestTimeout: true };
  return { InvokeCommand, client: new LambdaClient({ maxAttempts: 1, requestHandler }) };
});

/** What only the sweep of webhooks uses. */
export const webhookSending = once(
  (): SendingParts => ({ send: callSender, secrets: webhookSecrets(), random: Math.random }),
);

const callSender: SendingParts['send'] = async (batch) => {
  const { InvokeCommand, client } = await lambda();
  const FunctionName = required(environmentNames.webhookSenderFunction);
  const { FunctionError, Payload } = await client.send(
    new InvokeCommand({ FunctionName, Payload: JSON.stringify(batch) }),
  );
  const text = Buffer.from(Payload ?? []).toString('utf8');
  if (FunctionError) throw new Error(`The sender of webhooks failed: ${text.slice(0, 300)}`);
  return JSON.parse(text) as WebhookBatchResult;
};
