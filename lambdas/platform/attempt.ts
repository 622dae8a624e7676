import { type FailureLog, logFailure } from './log-failure.ts';

/** Runs a step. A failure is logged and does not keep the other steps from running. */
export async function attempt(log: FailureLog, failure: string, step: () => Promise<unknown>): Promise<void> {
  try {
    await step();
  } catch (error) {
    logFailure(log, failure, error);
  }
}
