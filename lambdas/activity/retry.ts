import { setTimeout as wait } from 'node:timers/promises';
import { dependencyTimeoutMillis } from '../../protocol/timings.ts';
import { withDeadline } from '../platform/deadline.ts';

const attempts = 3;
const pauseMillis = 50;
/** What is left of the bound for one dependency belongs to the outbox. */
const budgetMillis = dependencyTimeoutMillis * 0.7;

/**
 * Whether PostgreSQL looked at the data and refused it (SQLSTATE classes 22 and 23): trying again cannot help. Everything
 * else, a missing table and a changed password included, is taken as "away": the entry can be written later.
 */
export function isRefusal(error: unknown): boolean {
  const code = (error as { code?: unknown } | null)?.code;
  return typeof code === 'string' && /^2[23][0-9A-Z]{3}$/.test(code);
}

/** Runs a write, again after a short pause where it failed for a reason that may pass, within the time there is. */
export async function withRetry<T>(write: () => Promise<T>): Promise<T> {
  const deadline = performance.now() + budgetMillis;
  for (let attempt = 1; ; attempt++) {
    try {
      return await withDeadline(write(), deadline - performance.now());
    } catch (error) {
      const pause = pauseMillis * attempt * (0.5 + Math.random());
      if (isRefusal(error) || attempt === attempts || performance.now() + pause >= deadline) throw error;
      await wait(pause);
    }
  }
}
