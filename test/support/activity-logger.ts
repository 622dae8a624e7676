import { ActivityLogger, type ActivityLoggerOptions } from '../../lambdas/activity/activity-logger.ts';
import { timeLimits } from './time-limits.ts';

/**
 * The audit trail for tests in which PostgreSQL is not away. On a busy machine a write may need longer than the service waits,
 * and without an outbox it would then be refused. Here it may need as long as any event of a test.
 */
export function createLogger(options: ActivityLoggerOptions): ActivityLogger {
  return new ActivityLogger({ writeMillis: timeLimits.event, ...options });
}
