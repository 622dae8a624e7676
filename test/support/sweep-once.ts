import { randomUUID } from 'node:crypto';
import { PresenceSweep, tickMillis } from '../../lambdas/flows/sweep/sweep-presence.ts';

/** Runs one round of a new sweep: it visits what is due and releases its shards. */
export async function sweepOnce(id: string = randomUUID()): Promise<void> {
  const ends = Date.now() + tickMillis + 1;
  const remaining = () => ends - Date.now();
  const sweep = new PresenceSweep({ id, remaining, cause: 'schedule', functionName: 'none' });
  if (await sweep.join()) await sweep.run();
}
