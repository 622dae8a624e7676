import { randomUUID } from 'node:crypto';
import { PresenceSweep, tickMillis } from '../../lambdas/flows/sweep/sweep-presence.ts';

/** One round of a sweep of its own, whose time is over then: it visits what is due and gives its shards back. */
export async function sweepOnce(id: string = randomUUID()): Promise<void> {
  const ends = Date.now() + tickMillis + 1;
  const remaining = () => ends - Date.now();
  const sweep = new PresenceSweep({ id, remaining, cause: 'schedule', functionName: 'none' });
  if (await sweep.join()) await sweep.run();
}
