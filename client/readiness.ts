import { type RollcallError, unavailable } from './errors.ts';
import type { Timers } from './timers.ts';

/** The promise of a join. It settles within ten seconds. If the client continues to try after a failure, a new promise follows. */
export interface Readiness {
  readonly promise: Promise<void>;
  /** Whether a promise was rejected while the client continues to try. */
  readonly hasFailed: boolean;
  succeed(): void;
  /** @param isFinal whether the client stops trying. */
  fail(error: RollcallError, isFinal?: boolean): void;
  /** Starts a new promise with a limit of ten seconds. */
  renew(): void;
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
  const readiness = {
    promise: Promise.resolve(),
    hasFailed: false,
    succeed() {
      timers.stop('ready');
      readiness.hasFailed = false;
      resolve();
    },
    fail(error: RollcallError, isFinal = false) {
      timers.stop('ready');
      reject(error);
      readiness.hasFailed = !isFinal;
      if (!isFinal) renew();
    },
    renew() {
      renew();
      readiness.hasFailed = false;
      const tooLong = () => readiness.fail(unavailable('Rollcall cannot be reached now; the client keeps trying.'));
      timers.wait('ready', timeoutMillis, tooLong);
    },
  };
  readiness.renew();
  return readiness;
}
