import type { Cluster, Redis } from 'ioredis';
import { dependencyTimeoutMillis } from '../../protocol/timings.ts';
import { withDeadline } from './deadline.ts';
import { Unavailable } from './unavailable.ts';

/**
 * The circuit breaker before Redis. After a failed call it is open: calls fail at once. Then it is half-open: each call is
 * a probe with a short time limit, until one is answered. This module also remembers the last outage that this environment
 * saw.
 */

/** Time limit of a call. The rest of the time limit for one dependency is reserved for sending the answer (rule FA1). */
export const redisCallMillis = dependencyTimeoutMillis * 0.7;

/** Errors of a server that runs but cannot serve: it is starting, failing over or resharding, or its memory is full. */
const passingRefusals = /^(LOADING|READONLY|CLUSTERDOWN|MASTERDOWN|TRYAGAIN|OOM)/;

/** After a failure the breaker is open for this long. So one call of an invocation waits, and the others fail at once. */
const openMillis = 100;
/**
 * After a call with the full time limit has failed, the breaker is half-open for this long and a probe has this time limit.
 * A Redis that works again answers within it, so an environment does not refuse many frames without need.
 */
const halfOpenMillis = 500;
const probeMillis = 100;
/** For this long after the return of Redis, the sweep may not have visited every session yet. */
const doubtMillis = 5000;

/** The last outage of a Redis, as this environment saw it, in Unix milliseconds. */
interface Outage {
  /** The first and the last failed call. */
  from: number;
  until: number;
  /** When the breaker becomes half-open, and when calls have the full time limit again. */
  openUntil: number;
  halfOpenUntil: number;
}

const outages = new WeakMap<Redis | Cluster, Outage>();

/**
 * Returns the answer of Redis to a call, or throws after the time limit, whatever takes so long: the connecting, a frozen
 * server, or a cluster client that keeps looking for a node.
 *
 * @throws Unavailable while Redis is away. The error of a script is thrown as it is, because it is a bug.
 */
export async function answered<T>(redis: Redis | Cluster, call: () => Promise<T>): Promise<T> {
  const { openUntil = 0, halfOpenUntil = 0 } = outages.get(redis) ?? {};
  const began = Date.now();
  if (openUntil > began) throw new Unavailable('redis', new Error('Redis was away a moment ago.'));
  const isProbe = halfOpenUntil > began;
  try {
    const answer = await withDeadline(call(), isProbe ? probeMillis : redisCallMillis);
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

/** Closes the breaker, after a new connection or an answered probe. */
export function noteReturn(redis: Redis | Cluster): void {
  const known = outages.get(redis);
  if (known) known.openUntil = known.halfOpenUntil = 0;
}

/** The least time for which signs of life may not have reached Redis, in milliseconds; 0 if Redis was not away recently. */
export function unseenMillis(redis: Redis | Cluster, offlineAfterMillis: number): number {
  const outage = outages.get(redis);
  if (!outage || outage.until + doubtMillis <= Date.now()) return 0;
  return offlineAfterMillis + outage.until - outage.from;
}

/** Whether an error is the answer of a working server to a command, so that it is a mistake in the program. */
export function isReply(error: Error): boolean {
  return error.name === 'ReplyError' && !passingRefusals.test(error.message);
}
