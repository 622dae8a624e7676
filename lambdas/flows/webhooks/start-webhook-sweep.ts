import type { Services } from '../../services/services.ts';

/** Starts the sweep of webhooks. If that fails, the sweep that looks every few seconds or once a minute starts it. */
export async function startWebhookSweep(services: Services): Promise<void> {
  const name = services.webhookSweepFunction;
  if (name === undefined) return;
  try {
    await services.startFunction(name, {});
  } catch (error) {
    services.log.warn('The sweep of webhooks could not be started', error as Error);
  }
}
