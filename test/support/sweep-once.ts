import { randomUUID } from 'node:crypto';
import { PresenceSweep, tickMillisOf } from '../../lambdas/flows/sweep/sweep-presence.ts';
import type { Services } from '../../lambdas/services/services.ts';

/** One round of a sweep of its own, whose time is over then: it visits what is due and gives its shards back. */
export async function sweepOnce(services: Services, id: string = randomUUID()): Promise<void> {
  const ends = Date.now() + tickMillisOf(services.timings) + 1;
  const remaining = () => ends - Date.now();
  const sweep = new PresenceSweep(services, { id, remaining, cause: 'schedule', functionName: 'none' });
  if (await sweep.join()) await sweep.run();
}
