import { type RollcallError, unavailable } from './errors.ts';
import type { Timers } from './timers.ts';

/**
 * The promise of a join. It settles within ten seconds. If the client continues to try after a failure, a new promise follows, which
 * settles within ten seconds after the next call that joins.
 */
export interface Readiness {
  readonly promise: Promise<void>;
  succeed(): void;
  /** @param isFinal whether the client stops trying. */
  fail(error: RollcallError, isFinal?: boolean): void;
  /** Starts a new promise with a limit of ten seconds. */
  renew(): void;
  /**
   * Gives the promise a limit of ten seconds, if it has none after a failure.
   *
   * @returns whether a promise was rejected while the client continues to try.
   */
  retry(): boolean;
}

const timeoutMillis = 10_000;

export function createReadiness(timers: Timers): Readiness {
  let resolve: () => void;
  let reject: (error: RollcallError) => void;
  const renew = () => {
    readiness.promise = new Promise((onSuccess, onFailure) => {
      resolve = onSuccess;
      reject = onFailure;
    });
    // An application that does not use the promise must not get an unhandled rejection.
    readiness.promise.catch(() => {});
  };
  let hasFailed = false;
  const limit = () => {
    const tooLong = () => readiness.fail(unavailable('Rollcall cannot be reached now; the client keeps trying.'));
    timers.wait('ready', timeoutMillis, tooLong);
  };
  const readiness = {
    promise: Promise.resolve(),
    succeed() {
      timers.stop('ready');
      hasFailed = false;
      resolve();
    },
    fail(error: RollcallError, isFinal = false) {
      timers.stop('ready');
      reject(error);
      hasFailed = !isFinal;
      if (!isFinal) renew();
    },
    renew() {
      renew();
      hasFailed = false;
      limit();
    },
    retry() {
      if (hasFailed && !timers.has('ready')) limit();
      return hasFailed;
    },
  };
  readiness.renew();
  return readiness;
}
