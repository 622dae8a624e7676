import { createEnvironment, type Environment } from './environment.ts';
import { canHeal, unavailable } from './errors.ts';

export interface ReconnectionOptions {
  /**
   * Makes one attempt. Rejecting with a failure that cannot heal (see `canHeal`) ends the attempts at once. The signal
   * aborts when the attempt is no longer wanted.
   */
  connect: (signal: AbortSignal) => unknown;
  /** How many attempts in a row may fail. Default 10. */
  maxAttempts?: number;
  /** Milliseconds of the longest first wait; it doubles with each failure. Default 1,000. */
  baseDelay?: number;
  /** Milliseconds no wait exceeds. Default 30,000. */
  maxDelay?: number;
  /** From 0 to 1; each wait is this part of its longest (full jitter). Default `Math.random`. */
  random?: () => number;
  /** Waits so many milliseconds. Default: a timer. */
  sleep?: (millis: number) => Promise<unknown>;
}

/** An attempt older than this is given up when the page becomes visible or the network returns. */
const staleAttemptMillis = 5000;

/**
 * Connects again after a loss: up to ten attempts, with a wait before each that grows from one to thirty seconds and is
 * random, so that the clients of one outage do not return at one moment (rule CL1).
 *
 * While the page is hidden or told to be offline it makes no attempt. When the page becomes visible or the network
 * returns it tries at once and counts from the beginning.
 */
export class ReconnectionManager {
  readonly #options: ReconnectionOptions;
  readonly #environment: Environment;
  #attempts = 0;
  #run: Promise<void> | undefined;
  /** Tells the present run from one that was stopped. */
  #runs = 0;
  #wake: (() => void) | undefined;
  /** The attempt under way, and when it began. */
  #attempt: AbortController | undefined;
  #since = 0;
  #immediate = false;

  /** @param environment for tests; the default is the page or process this runs in. */
  constructor(options: ReconnectionOptions, environment: Environment = createEnvironment()) {
    this.#options = options;
    this.#environment = environment;
  }

  /** Whether attempts are under way or waited for. */
  get running(): boolean {
    return this.#run !== undefined;
  }

  /**
   * Tries until it succeeds. A call while one is under way shares it.
   *
   * @param immediate makes the first attempt without a wait.
   * @throws Error `Max reconnection attempts reached`, or the failure of `connect` where that cannot heal.
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

  /** Tries at once instead of waiting longer, with all attempts to come. Harmless while none is under way. */
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
          if (!isStopped() && !canHeal(error)) throw error;
        } finally {
          if (this.#attempt === attempt) this.#attempt = undefined;
        }
      }
    } finally {
      unsubscribe();
    }
  }

  /** Waits so long, or until woken. */
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
