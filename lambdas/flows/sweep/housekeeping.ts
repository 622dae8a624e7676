import type { LivenessEvent } from '../../liveness/liveness-settings.ts';
import { deactivateTimedOut } from '../../liveness/timeout.ts';
import { attempt } from '../../platform/attempt.ts';
import type { Services } from '../../services/services.ts';
import { measureService } from '../figures/measure-service.ts';
import { announceLiveness } from '../liveness/announce-liveness.ts';
import { checkWebhooks } from '../webhooks/watch-webhooks.ts';
import { reconcileSlots } from './reconcile-slots.ts';

/**
 * The work that is due once a minute, even if nobody is present: sessions that expire soon or now, sessions and machines
 * without signs of life, activities that wait for PostgreSQL, the seal of the audit trail, and the analytics, which count what is sealed.
 */
export async function runHousekeeping(services: Services): Promise<void> {
  await services.cleanup.runExpiry();
  await checkLiveness(services);
  await attempt(services.log, 'Lost slots could not be given back', () => reconcileSlots(services, services.clock()));
  await attempt(services.log, 'The outbox could not be replayed', () => replayOutbox(services));
  await attempt(services.log, 'The audit trail could not be sealed', () => services.sweepActivity.sealChains());
  await attempt(services.log, 'The analytics could not be counted', () => services.rollup.run());
  await attempt(services.log, 'Waiting webhooks could not be looked for', () => checkWebhooks(services));
  await measureService(services);
}

/** Writes what waits in the outbox to PostgreSQL, and notes what still waits. */
async function replayOutbox({ sweepActivity, metrics, clock }: Services): Promise<void> {
  const { complete } = await sweepActivity.replayOutbox();
  const { depth, oldestAt } = complete ? { depth: 0, oldestAt: undefined } : await sweepActivity.outboxBacklog();
  metrics.note('outboxDepth', depth);
  metrics.note('outboxAge', oldestAt === undefined ? 0 : Math.max(0, clock() - oldestAt) / 1000);
}

/** Deactivates sessions and machines without signs of life and tells their owners (rule LC6). */
export async function checkLiveness(services: Services): Promise<void> {
  const { livenessTimeoutMillis } = services.timings;
  const emit = (event: LivenessEvent) => announceLiveness(services, event);
  const options = { pool: services.sweepDatabase, emit, livenessTimeoutMillis };
  await attempt(services.log, 'The liveness check failed', () => deactivateTimedOut(services.clock(), options));
}
