import type { Cluster, Redis } from 'ioredis';
import { answered, unseenMillis } from '../platform/redis-failure.ts';
import { presenceKeys } from './keys.ts';

/** A time in which this environment used Redis without a long pause, Unix milliseconds. */
interface Use {
  since: number;
  last: number;
  /** Whether a sweep was known to run in it. A sweep restores the sessions before it completes a round. */
  isConfirmed: boolean;
}

const uses = new WeakMap<Redis | Cluster, Use>();

/**
 * The outage allowance in milliseconds: how long signs of life and joins may not have reached Redis. It is added to every
 * time limit until the sweep has restored the sessions (rule FA1). 0 if Redis was not away.
 *
 * An execution environment that was frozen or idle did not see an outage meanwhile. It asks when a sweep last completed a round. If
 * that was before the outage, it asks again with each call. After `offlineAfterMillis` without an outage it need not ask, because
 * everybody who is present has sent a frame since.
 */
export async function outageAllowanceMillis(redis: Redis | Cluster, offlineAfterMillis: number): Promise<number> {
  const unseen = unseenMillis(redis, offlineAfterMillis);
  if (unseen > 0) {
    uses.delete(redis);
    return Math.round(unseen);
  }
  const use = continued(redis, offlineAfterMillis / 2);
  if (use.isConfirmed || use.last - use.since >= offlineAfterMillis) return 0;
  const pulse = await answered(redis, () => redis.zrange(presenceKeys.sweepPulse, '0', '0', 'WITHSCORES'));
  const silent = pulse[1] === undefined ? 0 : Date.now() - Number(pulse[1]);
  use.isConfirmed = silent <= offlineAfterMillis / 2;
  return use.isConfirmed ? 0 : Math.round(silent + offlineAfterMillis);
}

function continued(redis: Redis | Cluster, longestPauseMillis: number): Use {
  const now = Date.now();
  const known = uses.get(redis);
  const use = known && known.last + longestPauseMillis > now ? known : { since: now, last: now, isConfirmed: false };
  use.last = now;
  uses.set(redis, use);
  return use;
}
