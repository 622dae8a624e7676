import type { Attempt } from './attempt.ts';

const second = 1000;
const minute = 60 * second;
const hour = 60 * minute;

/** The waits between the attempts for one event, without jitter. They add up to 23 hours and 42 minutes. */
export const retryDelays: readonly number[] = [
  30 * second,
  2 * minute,
  10 * minute,
  30 * minute,
  2 * hour,
  6 * hour,
  15 * hour,
];
export const mostAttempts = retryDelays.length + 1;
/** A wait is shortened by up to this share, so that deliveries that failed together are not repeated together. */
const jitterShare = 0.2;
/** A receiver may ask for a pause of at most this length. */
const longestPauseMillis = 24 * hour;
/** The pause of an endpoint that fails again and again. */
const failingPauseMillis = 30 * second;
/** An endpoint fails if one batch has this many failures and no success. Fewer may be one event that the endpoint cannot handle. */
const manyFailures = 3;
/** An endpoint is disabled after this time without a success. */
export const disableAfterMillis = 3 * 24 * hour;

/** What an attempt means for its delivery. */
export type DeliveryPlan =
  | { state: 'delivered' }
  | { state: 'dead' }
  /** @property nextAttemptAt Unix milliseconds. */
  | { state: 'pending'; nextAttemptAt: number };

/**
 * Decides after an attempt. Any 2xx is a success. 410, or an entry that the audit trail no longer has, ends the delivery. After anything else
 * it is tried again.
 *
 * @param attempts how many attempts there were before this one.
 * @param random from 0 to less than 1.
 */
export function planDelivery(attempt: Attempt, attempts: number, now: number, random: number): DeliveryPlan {
  if (isSuccess(attempt)) return { state: 'delivered' };
  const delay = retryDelays[attempts];
  if (isGone(attempt) || !hasEntry(attempt) || delay === undefined) return { state: 'dead' };
  const wait = Math.max(Math.round(delay * (1 - jitterShare * random)), pauseOf(attempt));
  return { state: 'pending', nextAttemptAt: now + wait };
}

/** What a batch means for its endpoint. */
export interface EndpointPlan {
  hasSuccess: boolean;
  hasFailure: boolean;
  /** Unix milliseconds; undefined: no pause. */
  pausedUntil: number | undefined;
  disabledCause: 'gone' | 'failing' | undefined;
}

/** @param failingSince since when no delivery succeeded, before this batch; undefined if the last one did. */
export function planEndpoint(
  attempts: readonly Attempt[],
  failingSince: number | undefined,
  now: number,
): EndpointPlan {
  const hasSuccess = attempts.some(isSuccess);
  const failures = attempts.filter((attempt) => !isSuccess(attempt));
  const hasFailure = failures.length > 0;
  const isFailing = hasFailure && !hasSuccess;
  const isTired = isFailing && (failures.length >= manyFailures || failingSince !== undefined);
  const pause = Math.max(isTired ? failingPauseMillis : 0, ...failures.map(pauseOf));
  const isLong = isFailing && failingSince !== undefined && now - failingSince >= disableAfterMillis;
  return {
    ...{ hasSuccess, hasFailure },
    pausedUntil: pause > 0 ? now + pause : undefined,
    disabledCause: failures.some(isGone) ? 'gone' : isLong ? 'failing' : undefined,
  };
}

export function isSuccess({ status = 0 }: Attempt): boolean {
  return status >= 200 && status < 300;
}

/** Whether there was something to send. */
export function hasEntry({ error }: Attempt): boolean {
  return error !== 'entry_removed' && error !== 'entry_invalid';
}

function isGone({ status }: Attempt): boolean {
  return status === 410;
}

function pauseOf({ retryAfterMillis = 0 }: Attempt): number {
  return Math.min(retryAfterMillis, longestPauseMillis);
}
