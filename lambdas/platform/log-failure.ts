import type { log } from './log.ts';
import { isAway } from './unavailable.ts';

export type FailureLog = Pick<typeof log, 'warn' | 'error'>;

/**
 * Logs a failure after which the caller continues: a warning if a dependency is away, and an error otherwise, because it is
 * a mistake in the program then.
 */
export function logFailure(
  log: FailureLog,
  message: string,
  error: unknown,
  context: Record<string, unknown> = {},
): void {
  if (isAway(error)) log.warn(message, { ...context, dependency: error.dependency, error: error.cause as Error });
  else log.error(message, { ...context, error: error as Error });
}
