import { type RollcallError, unavailable } from './errors.ts';
import type { Timers } from './timers.ts';

/** The promise of a join. It settles within ten seconds; where trying goes on after a failure, a new promise follows. */
export interface Readiness {
  readonly promise: Promise<void>;
  /** Whether a promise was rejected and the client goes on trying. */
  readonly hasFailed: boolean;
  succeed(): void;
  /** @param isFinal nothing is tried any more. */
  fail(error: RollcallError, isFinal?: boolean): void;
  /** Begins anew, with ten seconds to come. */
  renew(): void;
}

const settleMillis = 10_000;

export function createReadiness(timers: Timers): Readiness {
  let resolve: () => void;
  let reject: (error: RollcallError) => void;
  const renew = () => {
    readiness.promise = new Promise((onSuccess, onFailure) => {
      resolve = onSuccess;
      reject = onFailure;
    });
    // The application may follow the state instead.
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
      const tooLong = () => readiness.fail(unavailable('Rollcall cannot be reached now; the client goes on trying.'));
      timers.wait('ready', settleMillis, tooLong);
    },
  };
  readiness.renew();
  return readiness;
}
