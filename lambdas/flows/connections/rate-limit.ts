import { RollcallError } from '../../../protocol/errors.ts';
import { withDeadline } from '../../platform/deadline.ts';
import { isReply } from '../../platform/redis-failure.ts';
import type { Services } from '../../services/services.ts';

/** A message waits no longer than this for Redis to count it. */
const limitMillis = 150;

/**
 * Refuses a message of a connection that sends too many. While Redis is away it refuses nothing; the throttling of the API
 * stage still protects the account (rule FA1).
 *
 * @throws RollcallError RATE_LIMITED.
 */
export async function limitRate(services: Services, connectionId: string): Promise<void> {
  try {
    await withDeadline(services.rateLimiter.count(connectionId, services.clock()), limitMillis);
  } catch (error) {
    if (error instanceof RollcallError && error.code === 'RATE_LIMITED') throw error;
    const level = isReply(error as Error) ? 'error' : 'warn';
    services.log[level]('The rate of a connection could not be counted', error as Error);
  }
}
