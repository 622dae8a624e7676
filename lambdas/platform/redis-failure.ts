import type { Cluster, Redis } from 'ioredis';
import { dependencyTimeoutMillis } from '../../protocol/timings.ts';
import { withDeadline } from './deadline.ts';
import { Unavailable } from './unavailable.ts';

/**
 * The circuit breaker before Redis, and what an environment knows of its outages. After a failed call the breaker is open:
 * calls fail at once. Then it is half-open: each call is a probe with a short limit, until one is answered.
 */

/** How long a call may take. What is left of the bound for one dependency is the answer's own way (rule FA1). */
export const redisCallMillis = dependencyTimeoutMillis * 0.7;

/** Answers of a server that is there but cannot serve: starting, failing over, resharding. */
const passingRefusals = /^(LOADING|READONLY|CLUSTERDOWN|MASTERDOWN|TRYAGAIN|OOM)/;

/** After a failure the breaker is open for this long: one call of an invocation finds out, the others need not wait. */
const openMillis = 100;
/**
 * For this long after a call that had the whole time, the breaker is half-open and a probe gets this little time. It is
 * enough for a Redis that is well again, so that an environment does not refuse a burst that others could have served.
 */
const halfOpenMillis = 500;
const probeMillis = 100;
/** For this long after its return the sweep may not have been everywhere yet. */
const doubtMillis = 5000;

/** The last time a Redis could not be reached from here, in Unix milliseconds. */
interface Outage {
  /** The first and the last failed call. */
  from: number;
  until: number;
  /** Until when the breaker is open, and until when it is half-open afterwards. */
  openUntil: number;
  halfOpenUntil: number;
}

const outages = new WeakMap<Redis | Cluster, Outage>();

/** When each Redis last answered. */
const heard = new WeakMap<Redis | Cluster, number>();

/** Whether Redis answered here within the last milliseconds: an environment that just woke up knows nothing of outages. */
export function wasHeard(redis: Redis | Cluster, withinMillis: number): boolean {
  return (heard.get(redis) ?? 0) + withinMillis > Date.now();
}

/**
 * The answer of Redis to a call, bounded whatever it is that hangs: the connecting, a frozen server, a cluster client
 * that looks for a node again and again.
 *
 * @throws Unavailable while Redis is away; an error in a script is a bug and stays one.
 */
export async function answered<T>(redis: Redis | Cluster, call: () => Promise<T>): Promise<T> {
  const { openUntil = 0, halfOpenUntil = 0 } = outages.get(redis) ?? {};
  const began = Date.now();
  if (openUntil > began) throw new Unavailable('redis', new Error('Redis was away a moment ago.'));
  const isProbe = halfOpenUntil > began;
  try {
    const answer = await withDeadline(call(), isProbe ? probeMillis : redisCallMillis);
    heard.set(redis, Date.now());
    if (isProbe) noteReturn(redis);
    return answer;
  } catch (error) {
    if (isReply(error as Error)) throw error;
    noteFailure(redis, Date.now(), isProbe);
    throw new Unavailable('redis', error);
  }
}

function noteFailure(redis: Redis | Cluster, now: number, wasProbe: boolean): void {
  const known = outages.get(redis);
  const from = known && known.until + doubtMillis > now ? known.from : now;
  const halfOpenUntil = wasProbe && known ? known.halfOpenUntil : now + halfOpenMillis;
  outages.set(redis, { from, until: now, openUntil: now + openMillis, halfOpenUntil });
}

/** Closes the breaker: a connection was made anew, or a probe was answered. */
export function noteReturn(redis: Redis | Cluster): void {
  const known = outages.get(redis);
  if (known) known.openUntil = known.halfOpenUntil = 0;
}

/** For how long, at least, signs of life may not have reached Redis; 0 where it was not away in the last seconds. */
export function unseenMillis(redis: Redis | Cluster, offlineAfterMillis: number): number {
  const outage = outages.get(redis);
  if (!outage || outage.until + doubtMillis <= Date.now()) return 0;
  return offlineAfterMillis + outage.until - outage.from;
}

/** What the server says about a command, and not about itself: a mistake in the program. */
export function isReply(error: Error): boolean {
  return error.name === 'ReplyError' && !passingRefusals.test(error.message);
}
