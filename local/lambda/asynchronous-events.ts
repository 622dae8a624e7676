import { isThrottled } from './concurrency-quota.ts';
import type { InvocationResult } from './execution-environment.ts';

/** Pauses before an event is tried again after an error; on AWS they are one and two minutes. */
const retryPauses = [1000, 2000];
/** A throttled event comes again this soon, for this long; AWS goes on for hours, more and more slowly. */
const throttlePauseMillis = 1000;
const longestThrottleMillis = 60_000;
/** Events that may wait to be tried again. */
const mostWaiting = 1000;

/** Events nobody waits for: each is tried up to three times. One that is throttled was not tried, and comes again. */
export class AsynchronousEvents {
  readonly #pauses = new Map<NodeJS.Timeout, () => void>();
  #stopped = false;

  /**
   * Runs an event until it succeeds or is given up. Never rejects.
   *
   * @returns why it was given up: it failed three times, was throttled for too long, or too many wait already.
   */
  async accept(run: () => Promise<InvocationResult>): Promise<string | undefined> {
    const deadline = Date.now() + longestThrottleMillis;
    for (let failures = 0; ; ) {
      const { error } = await run();
      if (!error || this.#stopped) return undefined;
      const throttled = isThrottled(error);
      const pause = throttled ? throttlePauseMillis : retryPauses[failures++];
      if (pause === undefined) return `it failed ${failures} times`;
      if (throttled && Date.now() > deadline) return `it was throttled for ${longestThrottleMillis / 1000} seconds`;
      if (this.#pauses.size >= mostWaiting) return `${mostWaiting} others wait to be tried again`;
      await this.#pause(pause);
      if (this.#stopped) return undefined;
    }
  }

  /** Gives up what waits. */
  stop(): void {
    this.#stopped = true;
    for (const [timer, goOn] of this.#pauses) {
      clearTimeout(timer);
      goOn();
    }
    this.#pauses.clear();
  }

  #pause(millis: number): Promise<void> {
    return new Promise((goOn) => {
      const timer = setTimeout(() => {
        this.#pauses.delete(timer);
        goOn();
      }, millis);
      this.#pauses.set(timer, goOn);
    });
  }
}
