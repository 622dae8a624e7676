import { createEnvironment, type Environment } from './environment.ts';
import { isRetryable, unavailable } from './errors.ts';

/** How a {@link ReconnectionManager} connects, and how long it waits between two attempts. */
export interface ReconnectionOptions {
  /**
   * Makes one attempt. The attempts end at once if it rejects with `retryable: false` or a refusal such as the code 401 or 403. The
   * signal aborts when the attempt is no longer wanted.
   */
  connect: (signal: AbortSignal) => unknown;
  /** How many consecutive attempts may fail. Default 10. */
  maxAttempts?: number;
  /** The upper bound of the first wait in milliseconds; it doubles with each failure. Default 1,000. */
  baseDelay?: number;
  /** The upper bound of all waits in milliseconds. Default 30,000. */
  maxDelay?: number;
  /** From 0 to 1; each wait is its upper bound times this number (full jitter). Default `Math.random`. */
  random?: () => number;
  /** Waits for the given milliseconds. Default: a timer. */
  sleep?: (millis: number) => Promise<unknown>;
}

/** An attempt older than this, in milliseconds, is aborted when the page becomes visible or the network returns. */
const staleAttemptMillis = 5000;

/**
 * Connects again after a loss with up to ten attempts (rule CL1). The waits before them are random and grow from one to thirty
 * seconds, so that many clients do not reconnect at the same time after an outage.
 *
 * While the page is hidden or offline it makes no attempt. When the page becomes visible or the network returns, it makes an
 * attempt at once and starts the count anew.
 */
export class ReconnectionManager {
  readonly #options: ReconnectionOptions;
  readonly #environment: Environment;
  #attempts = 0;
  #run: Promise<void> | undefined;
  /** The number of the present run; a run that was stopped has a lower one. */
  #runs = 0;
  #wake: (() => void) | undefined;
  /** The running attempt, and when it began. */
  #attempt: AbortController | undefined;
  #since = 0;
  #immediate = false;

  /** @param environment for tests; the default is that of the page or process. */
  constructor(options: ReconnectionOptions, environment: Environment = createEnvironment()) {
    this.#options = options;
    this.#environment = environment;
  }

  /** Whether an attempt runs or is planned. */
  get running(): boolean {
    return this.#run !== undefined;
  }

  /**
   * Makes attempts until one succeeds. A call during a run returns the promise of that run.
   *
   * @param immediate makes the first attempt without a wait.
   * @throws Error `Max reconnection attempts reached`, or the error of `connect` if a retry cannot succeed.
   */
  reconnect(immediate = false): Promise<void> {
    if (this.#run) return this.#run;
    this.#runs += 1;
    this.#immediate = immediate;
    const id = this.#runs;
    const run = this.#try(() => id !== this.#runs).finally(() => {
      if (this.#run === run) this.#run = undefined;
    });
    this.#run = run;
    return run;
  }

  /** Makes the next attempt at once and starts the count anew. Has no effect if no run is active. */
  tryNow(): void {
    this.#attempts = 0;
    if (this.#environment.now() - this.#since > staleAttemptMillis) {
      this.#immediate = this.#attempt !== undefined;
      this.#attempt?.abort();
    }
    this.#wake?.();
  }

  /** Ends the attempts; the promise of `reconnect` resolves. */
  stop(): void {
    this.#runs += 1;
    this.#run = undefined;
    this.#attempt?.abort();
    this.#wake?.();
  }

  async #try(isStopped: () => boolean): Promise<void> {
    const { page, now, random } = this.#environment;
    const { connect, maxAttempts = 10, baseDelay = 1000, maxDelay = 30_000 } = this.#options;
    const jitter = this.#options.random ?? random;
    const unsubscribe = page.listen((event) => {
      if (/online|visible|restored|wake/.test(event)) this.tryNow();
    });
    this.#attempts = 0;
    try {
      for (;;) {
        if (this.#attempts >= maxAttempts) throw unavailable('Max reconnection attempts reached');
        if (!this.#immediate) await this.#pause(jitter() * Math.min(baseDelay * 2 ** this.#attempts, maxDelay));
        this.#immediate = false;
        while (!isStopped() && (page.hidden() || page.offline())) await this.#pause();
        if (isStopped()) return;
        const attempt = new AbortController();
        this.#attempt = attempt;
        this.#since = now();
        this.#attempts += 1;
        try {
          const givenUp = new Promise((_, reject) => {
            attempt.signal.onabort = reject;
          });
          await Promise.race([connect(attempt.signal), givenUp]);
          return;
        } catch (error) {
          if (!isStopped() && !isRetryable(error)) throw error;
        } finally {
          if (this.#attempt === attempt) this.#attempt = undefined;
        }
      }
    } finally {
      unsubscribe();
    }
  }

  /** Waits for the given time, or until it is woken. */
  #pause(millis?: number): Promise<void> {
    return new Promise((resolve) => {
      let cancel: (() => void) | undefined;
      const done = () => {
        cancel?.();
        resolve();
      };
      this.#wake = done;
      if (millis === undefined) return;
      const { sleep } = this.#options;
      if (sleep) void sleep(millis).then(done);
      else cancel = this.#environment.after(millis, done);
    });
  }
}
