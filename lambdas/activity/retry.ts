import { setTimeout as wait } from 'node:timers/promises';
import { dependencyTimeoutMillis } from '../../protocol/timings.ts';
import { withDeadline } from '../platform/deadline.ts';
import { isRowFault } from '../platform/row-fault.ts';

const attempts = 3;
const pauseMillis = 50;
/** How long a write may take with its retries. The rest of the time limit for one dependency is left for the outbox. */
export const writeMillis = dependencyTimeoutMillis * 0.7;

/**
 * Runs a write and retries it after short pauses, within the time limit. It does not retry if PostgreSQL refused the
 * data, because the data stay the same. Any other failure may pass, even a missing table or a changed password.
 */
export async function withRetry<T>(write: () => Promise<T>, millis = writeMillis): Promise<T> {
  const deadline = performance.now() + millis;
  for (let attempt = 1; ; attempt++) {
    try {
      return await withDeadline(write(), deadline - performance.now());
    } catch (error) {
      const pause = pauseMillis * attempt * (0.5 + Math.random());
      if (isRowFault(error) || attempt === attempts || performance.now() + pause >= deadline) throw error;
      await wait(pause);
    }
  }
}
