import type { Services } from '../../services/services.ts';
import { startWebhookSweep } from './start-webhook-sweep.ts';

/** The time between two looks if there is an endpoint, and if there is none. */
const lookMillis = 2000;
const idleLookMillis = 10_000;
/** A sweep that was started gets this time to take what is due. */
const startMillis = 5000;

/**
 * Looks for events that wait to be sent, and starts the webhook sweep if there are any. The leading timeout sweep runs anyway while
 * somebody is present. So a look costs one small statement: every two seconds, or every ten if there is no endpoint.
 */
export class WebhookWatch {
  readonly #services: Services;
  #nextAt = 0;
  #isLooking = false;

  constructor(services: Services) {
    this.#services = services;
  }

  /** Looks in the background if it is time to. @param now Unix milliseconds. */
  tick(now: number): void {
    if (this.#isLooking || now < this.#nextAt) return;
    this.#isLooking = true;
    this.#look(now)
      .catch((error) => this.#services.log.warn('Waiting webhooks could not be looked for', error as Error))
      .finally(() => {
        this.#isLooking = false;
      });
  }

  async #look(now: number): Promise<void> {
    this.#nextAt = now + idleLookMillis;
    const { hasEndpoints, dueSince } = await this.#services.webhookQueue.backlog(now);
    if (hasEndpoints) this.#nextAt = now + (dueSince === null ? lookMillis : startMillis);
    if (dueSince !== null) await startWebhookSweep(this.#services);
  }
}

/** The same once a minute, for the retries while nobody is present. It notes how long the oldest event has waited. */
export async function checkWebhooks(services: Services): Promise<void> {
  const now = services.clock();
  const { hasEndpoints, dueSince } = await services.webhookQueue.backlog(now);
  // Without an endpoint there is no metric, because each costs money.
  if (hasEndpoints) services.metrics.note('webhooksAge', dueSince === null ? 0 : Math.max(0, now - dueSince) / 1000);
  if (dueSince !== null) await startWebhookSweep(services);
}
