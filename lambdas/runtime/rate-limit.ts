import { RollcallError } from '../../protocol/errors.ts';
import { RateLimiter } from '../presence/rate-limiter.ts';
import { log } from './log.ts';
import { once } from './once.ts';
import { redis } from './redis.ts';

/** Counting must not hold up a message for long where Redis does not answer. */
const patienceMillis = 150;

const limiter = once(() => new RateLimiter(redis()));

/**
 * Refuses a message of a connection that sends too many. While Redis is away nothing is refused: the stage's throttling
 * still protects the account (rule FA1).
 *
 * @throws RollcallError RATE_LIMITED.
 */
export async function limitRate(connectionId: string): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const patience = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, patienceMillis);
  });
  const counted = limiter()
    .count(connectionId, Date.now())
    .catch((error: unknown) => {
      if (error instanceof RollcallError) throw error;
      log.warn('The rate of a connection could not be counted', error as Error);
    });
  try {
    await Promise.race([counted, patience]);
  } finally {
    clearTimeout(timer);
  }
}
