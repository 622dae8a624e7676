import type { Cluster, Redis } from 'ioredis';
import { RollcallError } from '../../protocol/errors.ts';
import { dependencyTimeoutMillis } from '../../protocol/timings.ts';

/** What is left of the bound for one dependency is the answer's own way (rule FA1). */
export const redisPatienceMillis = dependencyTimeoutMillis * 0.7;

/** Answers of a server that is there but cannot serve: starting, failing over, resharding. */
const passingRefusals = /^(LOADING|READONLY|CLUSTERDOWN|MASTERDOWN|TRYAGAIN|OOM)/;

/** After a failure nothing is sent for this long: one call of an invocation finds out, the others need not wait. */
const quietMillis = 100;
/**
 * For this long after a call that was given all its patience the next ones get a little only: enough for a Redis that is
 * well again, so that an environment does not refuse a burst that the others could have served.
 */
const waryMillis = 500;
const trialMillis = 100;
/** For this long after its return the sweep may not have been everywhere yet. */
const doubtMillis = 5000;

/** The last time a Redis could not be reached from here, in Unix milliseconds. */
interface Outage {
  /** The first and the last failed call. */
  from: number;
  until: number;
  /** Until when nothing is sent, and until when there is little patience. */
  quietUntil: number;
  waryUntil: number;
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
 * @throws RollcallError UNAVAILABLE while Redis is away; an error in a script is a bug and stays one.
 */
export async function answered<T>(redis: Redis | Cluster, call: () => Promise<T>): Promise<T> {
  const { quietUntil = 0, waryUntil = 0 } = outages.get(redis) ?? {};
  const began = Date.now();
  if (quietUntil > began) throw unavailable(new Error('Redis was away a moment ago.'));
  const isTrial = waryUntil > began;
  const late = Promise.withResolvers<never>();
  const giveUp = () => late.reject(new Error('Redis did not answer in time.'));
  // A process that stood still finds its timers due before it reads what came meanwhile: that is read first.
  const timer = setTimeout(() => setImmediate(giveUp), isTrial ? trialMillis : redisPatienceMillis);
  try {
    const answer = await Promise.race([call(), late.promise]);
    heard.set(redis, Date.now());
    if (isTrial) noteReturn(redis);
    return answer;
  } catch (error) {
    if (isReply(error as Error)) throw error;
    noteFailure(redis, Date.now(), isTrial);
    throw unavailable(error as Error);
  } finally {
    clearTimeout(timer);
  }
}

function noteFailure(redis: Redis | Cluster, now: number, wasTrial: boolean): void {
  const known = outages.get(redis);
  const from = known && known.until + doubtMillis > now ? known.from : now;
  const waryUntil = wasTrial && known ? known.waryUntil : now + waryMillis;
  outages.set(redis, { from, until: now, quietUntil: now + quietMillis, waryUntil });
}

/** A connection was made anew, or a trial went well: nobody need wait any longer. */
export function noteReturn(redis: Redis | Cluster): void {
  const known = outages.get(redis);
  if (known) known.quietUntil = known.waryUntil = 0;
}

/** For how long, at least, signs of life may not have reached Redis; 0 where it was not away in the last seconds. */
export function unseenMillis(redis: Redis | Cluster, offlineAfterMillis: number): number {
  const outage = outages.get(redis);
  if (!outage || outage.until + doubtMillis <= Date.now()) return 0;
  return offlineAfterMillis + outage.until - outage.from;
}

/** What the server says about a command, and not about itself. */
function isReply(error: Error): boolean {
  return error.name === 'ReplyError' && !passingRefusals.test(error.message);
}

function unavailable(cause: Error): RollcallError {
  return new RollcallError('UNAVAILABLE', 'Presence is not available for a moment; try again shortly.', {
    cause,
    retryAfterMillis: 1000,
  });
}

/** Whether something failed because a service is away, so that another way may be tried. */
export function isAway(error: unknown): error is RollcallError {
  return error instanceof RollcallError && error.code === 'UNAVAILABLE';
}
