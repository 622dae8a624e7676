import { environmentNames } from '../platform/environment.ts';
import { log } from '../platform/log.ts';
import type { Services } from '../services/services.ts';
import type { WebhookBatch, WebhookBatchResult } from '../webhooks/attempt.ts';
import { postBatch } from '../webhooks/post-batch.ts';
import type { PostOptions } from '../webhooks/post-webhook.ts';
import { acceptsAnyTarget } from '../webhooks/webhook-target.ts';

/**
 * Posts signed webhooks to one endpoint. It runs outside of the VPC, and its only permission is to write its log. So a request to an
 * address that somebody chose with bad intent reaches no store and no secret.
 */
export const webhookSender =
  ({ log: lines, clock }: Pick<Services, 'log' | 'clock'>, options: PostOptions) =>
  async (batch: WebhookBatch): Promise<WebhookBatchResult> => {
    const result = await postBatch(batch, options, clock);
    const failed = result.attempts.filter(({ error }) => error !== undefined).length;
    lines.debug('Webhooks were posted', { attempts: result.attempts.length, failed });
    return result;
  };

const anyTarget = acceptsAnyTarget(process.env[environmentNames.webhookTargets]);
export const handler = webhookSender({ log, clock: () => Date.now() }, { anyTarget });
