import { webhookTestType } from '../../../protocol/webhooks.ts';
import { logFailure } from '../../platform/log-failure.ts';
import type { Services } from '../../services/services.ts';
import type { Attempt, WebhookBatch, WebhookBatchResult, WebhookRequest } from '../../webhooks/attempt.ts';
import { hasEntry, planDelivery, planEndpoint } from '../../webhooks/retry-plan.ts';
import type { SecretBox } from '../../webhooks/secret-box.ts';
import { testBody, webhookBody } from '../../webhooks/webhook-payload.ts';
import type { ClaimedEndpoint, DueDelivery } from '../../webhooks/webhook-queue.ts';
import { webhookHeaders } from '../../webhooks/webhook-signature.ts';
import type { SweepTime } from '../scheduling/sweep-run.ts';

/** What only the sweep of webhooks may use. */
export interface SendingParts {
  /** Lets the sender, which cannot reach the stores, post the requests for one endpoint. */
  send(batch: WebhookBatch): Promise<WebhookBatchResult>;
  secrets: Pick<SecretBox, 'open'>;
  /** A number from 0 to less than 1, for the jitter. */
  random(): number;
}

/** How many endpoints are served at the same time. A slow endpoint delays no other. */
const parallelEndpoints = 8;
const batchDeliveries = 50;
/** Longer than the sender may take, and the statements after it. If this sweep is killed, another one continues after this time. */
export const leaseMillis = 90_000;
/** The least time that must be left when a batch begins. */
const batchMillis = 45_000;
/** If a claim found nothing, a worker that serves the same endpoint again starts no other one for this time. */
const lookMillis = 1000;
/** The wait after a failure of the service itself. It does not count as an attempt. */
const ownFailureMillis = 30_000;

/**
 * Sends what is due, until nothing is or the time is over (rules WH2 to WH6). One endpoint at a time has one lease, so two sweeps do not send
 * the same event at the same time.
 *
 * @param holder the unique id of this run.
 */
export async function sendDueWebhooks(
  services: Services,
  parts: SendingParts,
  time: SweepTime,
  holder: string,
): Promise<void> {
  const workers = new Set<Promise<void>>();
  let foundNothingAt = Number.NEGATIVE_INFINITY;
  const startWorker = () => {
    if (workers.size >= parallelEndpoints) return;
    const worker = work()
      .catch((error) => logFailure(services.log, 'Webhooks of an endpoint could not be sent', error))
      .finally(() => workers.delete(worker));
    workers.add(worker);
  };
  const work = async () => {
    let servedBefore: string | undefined;
    while (time.remaining() > batchMillis) {
      const endpoint = await services.webhookQueue.claim(holder, services.clock(), leaseMillis);
      if (!endpoint) {
        foundNothingAt = services.clock();
        return;
      }
      // There may be another endpoint that waits. Batch after batch of one endpoint looks for it only once in a while.
      if (endpoint.id !== servedBefore || services.clock() - foundNothingAt >= lookMillis) startWorker();
      servedBefore = endpoint.id;
      await serveEndpoint(services, parts, endpoint, holder);
    }
  };
  startWorker();
  // A worker may start others while these are awaited.
  while (workers.size > 0) await Promise.race(workers);
}

async function serveEndpoint(
  services: Services,
  parts: SendingParts,
  endpoint: ClaimedEndpoint,
  holder: string,
): Promise<void> {
  const { clock, metrics } = services;
  const queue = services.webhookQueue;
  const begunAt = clock();
  const due = await queue.due(endpoint.id, clock(), batchDeliveries);
  const attempts = await attemptAll(services, parts, endpoint, due);
  const now = clock();
  const attemptsBefore = new Map(due.map((delivery) => [delivery.eventId, delivery.attempts]));
  const settled = attempts.map((attempt) => {
    const plan = planDelivery(attempt, attemptsBefore.get(attempt.eventId) ?? 0, now, parts.random());
    return { attempt, plan };
  });
  await queue.settle(endpoint, settled, now);
  const sent = attempts.filter(hasEntry);
  const plan = planEndpoint(sent, endpoint.failingSince ?? undefined, now);
  const disabled = await queue.release(endpoint, holder, plan, now, now - begunAt);

  const count = (state: string) => settled.filter((each) => each.plan.state === state).length;
  metrics.add('webhooksDelivered', count('delivered'));
  metrics.add('webhooksFailed', settled.length - count('delivered'));
  metrics.add('webhooksDead', count('dead'));
  metrics.add('webhooksDisabled', disabled ? 1 : 0);
  if (disabled) {
    services.log.warn('A webhook endpoint is disabled', { endpointId: endpoint.id, cause: plan.disabledCause });
  }
}

/** Posts what is due. If the sender itself fails, nothing counts as an attempt, and the events are postponed. */
async function attemptAll(
  services: Services,
  parts: SendingParts,
  endpoint: ClaimedEndpoint,
  due: readonly DueDelivery[],
): Promise<Attempt[]> {
  const bodies = due.map((delivery) => bodyOf(services, delivery));
  const without = bodies.filter((each): each is Attempt => 'error' in each);
  try {
    const requests = await sign(
      services,
      parts,
      endpoint,
      bodies.filter((each): each is Body => 'body' in each),
    );
    if (requests.length === 0) return without;
    const { attempts } = await parts.send({ requests });
    return [...without, ...attempts];
  } catch (error) {
    logFailure(services.log, 'The sender of webhooks failed', error);
    const eventIds = due.map(({ eventId }) => eventId);
    const now = services.clock();
    await services.webhookQueue.postpone(endpoint.id, eventIds, now + ownFailureMillis, now);
    return without;
  }
}

interface Body {
  eventId: string;
  body: string;
}

async function sign(
  { clock }: Services,
  { secrets }: SendingParts,
  { id, url, secret, previousSecret }: ClaimedEndpoint,
  bodies: readonly Body[],
): Promise<WebhookRequest[]> {
  const stored = [secret, ...(previousSecret ? [previousSecret] : [])];
  const keys = await Promise.all(stored.map((sealed) => secrets.open(sealed, id)));
  const timestamp = Math.floor(clock() / 1000);
  return bodies.map(({ eventId, body }) => ({
    ...{ eventId, url, body },
    headers: webhookHeaders({ id: eventId, timestamp, body }, keys),
  }));
}

/** The body of a delivery, or why there is none. An entry that is no event must not hold up the others. */
function bodyOf({ log }: Services, delivery: DueDelivery): Body | Attempt {
  const { eventId } = delivery;
  if (delivery.activityType === null) {
    if (delivery.eventType === webhookTestType) return { eventId, body: testBody(delivery.queuedAt) };
    return { eventId, error: 'entry_removed' };
  }
  try {
    return { eventId, body: webhookBody(delivery) };
  } catch (error) {
    log.error('An entry of the audit trail is no event and becomes a dead letter', { eventId, error: error as Error });
    return { eventId, error: 'entry_invalid' };
  }
}
