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
  readonly #options: Required<Omit<ReconnectionOptions, 'sleep'>> & Pick<ReconnectionOptions, 'sleep'>;
  readonly #environment: Environment;
  #attempts = 0;
  #run: Promise<void> | undefined;
  #wake: (() => void) | undefined;
  #current: { controller: AbortController; since: number } | undefined;
  /** Tells the present run from one that was stopped. */
  #runs = 0;
  #immediate = false;

  /** @param environment for tests; the default is the page or process this runs in. */
  constructor(options: ReconnectionOptions, environment: Environment = createEnvironment()) {
    const defaults = { maxAttempts: 10, baseDelay: 1000, maxDelay: 30_000, random: environment.random };
    this.#options = { ...defaults, ...options };
    this.#environment = environment;
  }

  /** Failed attempts since the last success. */
  get attempts(): number {
    return this.#attempts;
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
    const id = this.#runs;
    const run = this.#try(immediate, () => id !== this.#runs).finally(() => {
      if (this.#run === run) this.#run = undefined;
    });
    this.#run = run;
    return run;
  }

  /** Tries at once instead of waiting longer, with all attempts to come. Harmless while none is under way. */
  tryNow(): void {
    this.#attempts = 0;
    const { now } = this.#environment;
    if (this.#current && now() - this.#current.since > staleAttemptMillis) {
      this.#immediate = true;
      this.#current.controller.abort();
    }
    this.#wake?.();
  }

  /** Ends the attempts; the promise of `reconnect` resolves. */
  stop(): void {
    this.#runs += 1;
    this.#run = undefined;
    this.#attempts = 0;
    this.#current?.controller.abort();
    this.#wake?.();
  }

  async #try(immediate: boolean, isStopped: () => boolean): Promise<void> {
    const { maxAttempts, baseDelay, maxDelay, random } = this.#options;
    const { page } = this.#environment;
    this.#immediate = immediate;
    const unsubscribe = page.listen((event) => {
      if (['online', 'visible', 'restored', 'wake'].includes(event)) this.tryNow();
    });
    try {
      while (!isStopped()) {
        if (this.#attempts >= maxAttempts) {
          this.#attempts = 0;
          throw unavailable('Max reconnection attempts reached');
        }
        const longest = Math.min(baseDelay * 2 ** this.#attempts, maxDelay);
        if (!this.#immediate) await this.#pause(random() * longest);
        this.#immediate = false;
        while (!isStopped() && (page.hidden() || page.offline())) await this.#pause();
        if (isStopped()) return;
        if (await this.#attempt(isStopped)) return;
      }
    } finally {
      unsubscribe();
    }
  }

  async #attempt(isStopped: () => boolean): Promise<boolean> {
    const controller = new AbortController();
    const current = { controller, since: this.#environment.now() };
    this.#current = current;
    this.#attempts += 1;
    const { signal } = controller;
    const givenUp = new Promise<never>((_, reject) => {
      signal.addEventListener('abort', () => reject(unavailable('This attempt was given up for a newer one.')));
    });
    try {
      await Promise.race([this.#options.connect(signal), givenUp]);
      this.#attempts = 0;
      return true;
    } catch (error) {
      if (!isStopped() && !canHeal(error)) {
        this.#attempts = 0;
        throw error;
      }
      return false;
    } finally {
      if (this.#current === current) this.#current = undefined;
    }
  }

  /** Waits so long, or until woken. */
  #pause(millis?: number): Promise<void> {
    return new Promise((resolve) => {
      const done = () => {
        if (this.#wake !== done) return;
        this.#wake = undefined;
        cancel?.();
        resolve();
      };
      this.#wake = done;
      let cancel: (() => void) | undefined;
      if (millis === undefined) return;
      if (this.#options.sleep) void this.#options.sleep(millis).then(done);
      else cancel = this.#environment.after(millis, done);
    });
  }
}
