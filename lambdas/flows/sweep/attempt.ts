import { logFailure } from '../../platform/log-failure.ts';
import type { Services } from '../../services/services.ts';

/** Runs a step. A failure is logged and does not keep the other steps from running. */
export async function attempt(services: Services, failure: string, step: () => Promise<unknown>): Promise<void> {
  try {
    await step();
  } catch (error) {
    logFailure(services.log, failure, error);
  }
}
