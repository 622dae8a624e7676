import { sweep } from '../adapters/sweep.ts';
import { compose } from '../composition/compose.ts';
import { standard } from '../composition/standard.ts';
import { webhookQueue } from '../composition/webhook-queue.ts';
import { webhookSending } from '../composition/webhook-sending.ts';
import type { SweepRun } from '../flows/scheduling/sweep-run.ts';
import { type SendingParts, sendDueWebhooks } from '../flows/webhooks/send-due.ts';
import type { Services } from '../services/services.ts';

/**
 * Sends the webhooks that are due. The timeout sweep starts it if there are any, and so does a request to test an endpoint or to replay
 * its events.
 */
export const webhookSweep = (services: Services, parts: () => SendingParts) =>
  sweep('webhook', services, (run: SweepRun) => sendDueWebhooks(services, parts(), run, run.id));

export const parts = { ...standard, webhookQueue };
export const handler = webhookSweep(compose(parts), webhookSending);
