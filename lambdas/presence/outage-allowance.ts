import type { Cluster, Redis } from 'ioredis';
import { answered, unseenMillis, wasHeard } from '../platform/redis-failure.ts';
import { presenceKeys } from './keys.ts';

/**
 * The outage allowance in milliseconds: how long signs of life and joins may not have reached Redis. It is added to every
 * time limit until the sweep has restored the sessions (rule FA1). 0 if Redis was not away.
 *
 * An execution environment that was frozen asks when a sweep last ran: after an outage, that was before it.
 */
export async function outageAllowanceMillis(redis: Redis | Cluster, offlineAfterMillis: number): Promise<number> {
  const unseen = unseenMillis(redis, offlineAfterMillis);
  if (unseen > 0 || wasHeard(redis, offlineAfterMillis / 2)) return Math.round(unseen);
  const pulse = await answered(redis, () => redis.zrange(presenceKeys.sweepPulse, '0', '0', 'WITHSCORES'));
  const silent = pulse[1] === undefined ? 0 : Date.now() - Number(pulse[1]);
  return silent > offlineAfterMillis / 2 ? Math.round(silent + offlineAfterMillis) : 0;
}
