import type { Services } from '../../services/services.ts';

/** Starts the webhook sweep. If that fails, the next look of a timeout sweep starts it. */
export async function startWebhookSweep(services: Services): Promise<void> {
  const name = services.webhookSweepFunction;
  if (name === undefined) return;
  try {
    await services.startFunction(name, {});
  } catch (error) {
    services.log.warn('The sweep of webhooks could not be started', error as Error);
  }
}
