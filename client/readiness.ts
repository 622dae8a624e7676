import { type RollcallError, unavailable } from './errors.ts';
import type { Timers } from './timers.ts';

/** The promise of a join. It settles within ten seconds; where trying goes on after a failure, a new promise follows. */
export interface Readiness {
  readonly promise: Promise<void>;
  /** Whether a promise was rejected and the client goes on trying. */
  readonly hasFailed: boolean;
  succeed(): void;
  /** @param isFinal nothing is tried any more. */
  fail(error: RollcallError, isFinal: boolean): void;
  renew(): void;
}

const settleMillis = 10_000;

export function createReadiness(timers: Timers): Readiness {
  let promise: Promise<void>;
  let resolve: () => void;
  let reject: (error: RollcallError) => void;
  let hasFailed = false;
  const renew = () => {
    promise = new Promise((onSuccess, onFailure) => {
      resolve = onSuccess;
      reject = onFailure;
    });
    // The application may follow the state instead.
    promise.catch(() => {});
    const tooLong = unavailable('Rollcall cannot be reached now; the client goes on trying.');
    if (!hasFailed) timers.wait('ready', settleMillis, () => readiness.fail(tooLong, false));
  };
  const readiness: Readiness = {
    get promise() {
      return promise;
    },
    get hasFailed() {
      return hasFailed;
    },
    succeed() {
      timers.stop('ready');
      hasFailed = false;
      resolve();
    },
    fail(error, isFinal) {
      timers.stop('ready');
      reject(error);
      if (isFinal) return;
      hasFailed = true;
      renew();
    },
    renew() {
      hasFailed = false;
      renew();
    },
  };
  renew();
  return readiness;
}
