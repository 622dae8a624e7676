import { sweepDatabase } from '../platform/database.ts';
import { once } from '../platform/once.ts';
import { WebhookQueue } from '../webhooks/webhook-queue.ts';

/** The deliveries of webhooks. */
export const webhookQueue = once(() => new WebhookQueue(sweepDatabase()));
