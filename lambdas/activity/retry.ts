import { setTimeout as wait } from 'node:timers/promises';
import { dependencyTimeoutMillis } from '../../protocol/timings.ts';
import { withDeadline } from '../platform/deadline.ts';
import { isRowFault } from '../platform/row-fault.ts';

const attempts = 3;
const pauseMillis = 50;
/** What is left of the bound for one dependency belongs to the outbox. */
const budgetMillis = dependencyTimeoutMillis * 0.7;

/**
 * Runs a write, again after a short pause where it failed for a reason that may pass, within the time there is. If PostgreSQL
 * refused the data, trying again cannot help. Everything else, a missing table and a changed password included, may pass.
 */
export async function withRetry<T>(write: () => Promise<T>): Promise<T> {
  const deadline = performance.now() + budgetMillis;
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
