import { RollcallError } from '../../../protocol/errors.ts';
import { withDeadline } from '../../platform/deadline.ts';
import { isReply } from '../../platform/redis-failure.ts';
import type { Services } from '../../services/services.ts';

/** Counting must not hold up a message for long where Redis does not answer. */
const limitMillis = 150;

/**
 * Refuses a message of a connection that sends too many. While Redis is away nothing is refused: the stage's throttling
 * still protects the account (rule FA1).
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
