import { isThrottled } from './concurrency-quota.ts';
import type { InvocationResult } from './execution-environment.ts';

/** Waits before the retries after an error; on AWS they are one and two minutes. */
const retryPauses = [1000, 2000];
/**
 * The retry interval of a throttled event, and the total time of its retries. AWS retries for hours with growing
 * intervals.
 */
const throttlePauseMillis = 1000;
const longestThrottleMillis = 60_000;
/** How many events may wait for a retry. */
const maximumWaiting = 1000;

/** Asynchronous invocations. Each event is tried up to three times; a throttled attempt does not count. */
export class AsynchronousEvents {
  readonly #pauses = new Map<NodeJS.Timeout, () => void>();
  #stopped = false;

  /**
   * Runs an event until it succeeds or is dropped. Never rejects.
   *
   * @returns why it was dropped: it failed three times, was throttled for too long, or too many others wait.
   */
  async accept(run: () => Promise<InvocationResult>): Promise<string | undefined> {
    const deadline = Date.now() + longestThrottleMillis;
    for (let failures = 0; ; ) {
      const { error } = await run();
      if (!error || this.#stopped) return undefined;
      const throttled = isThrottled(error);
      const pause = throttled ? throttlePauseMillis : retryPauses[failures++];
      if (pause === undefined) return `${failures} attempts failed`;
      if (throttled && Date.now() > deadline) return `it was throttled for ${longestThrottleMillis / 1000} seconds`;
      if (this.#pauses.size >= maximumWaiting) return `${maximumWaiting} other events wait for a retry`;
      await this.#pause(pause);
      if (this.#stopped) return undefined;
    }
  }

  /** Drops all waiting events. */
  stop(): void {
    this.#stopped = true;
    for (const [timer, resume] of this.#pauses) {
      clearTimeout(timer);
      resume();
    }
    this.#pauses.clear();
  }

  #pause(millis: number): Promise<void> {
    return new Promise((resume) => {
      const timer = setTimeout(() => {
        this.#pauses.delete(timer);
        resume();
      }, millis);
      this.#pauses.set(timer, resume);
    });
  }
}
