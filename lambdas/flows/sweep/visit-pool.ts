import { logFailure } from '../../platform/log-failure.ts';
import type { Services } from '../../services/services.ts';

interface Running {
  shard: number;
  /** Whether the session became due again during the visit. */
  again: boolean;
}

export interface Visiting {
  /** Visits a session and returns when it is due next, Unix milliseconds; undefined if nobody is present. */
  visit(sessionId: string): Promise<number | undefined>;
  /** Ends the claim of a visited session. */
  release(sessionId: string, shard: number, next: number | undefined): Promise<void>;
  /** When a session is due again after a visit that failed, Unix milliseconds. */
  retryAt(): number;
}

/**
 * Runs the visits of a sweep, many at the same time, but only one for each session. A session that becomes due during its
 * visit is visited again after it. A failure is logged and does not block other sessions.
 */
export class VisitPool {
  readonly #log: Services['log'];
  readonly #visiting: Visiting;
  readonly #most: number;
  readonly #running = new Map<string, Running>();
  #waiting: (() => void)[] = [];

  /** @param most visits at the same time. */
  constructor(log: Services['log'], visiting: Visiting, most: number) {
    this.#log = log;
    this.#visiting = visiting;
    this.#most = most;
  }

  /** How many more visits may begin. */
  get room(): number {
    return Math.max(0, this.#most - this.#running.size);
  }

  /** Whether sessions of a shard are being visited. */
  isBusy(shard: number): boolean {
    for (const running of this.#running.values()) if (running.shard === shard) return true;
    return false;
  }

  add(sessionId: string, shard: number): void {
    const running = this.#running.get(sessionId);
    if (running) running.again = true;
    else void this.#run(sessionId, shard);
  }

  /** Resolves when the next visit ends, at once if none runs. */
  ended(): Promise<void> {
    if (this.#running.size === 0) return Promise.resolve();
    return new Promise((resolve) => this.#waiting.push(resolve));
  }

  /** Resolves when no visit runs. */
  async idle(): Promise<void> {
    while (this.#running.size > 0) await this.ended();
  }

  async #run(sessionId: string, shard: number): Promise<void> {
    const running = { shard, again: true };
    this.#running.set(sessionId, running);
    while (running.again) {
      let next: number | undefined;
      // The claim is ended once, after the last visit: it may have been claimed again meanwhile.
      while (running.again) {
        running.again = false;
        next = await this.#visit(sessionId);
      }
      await this.#release(sessionId, shard, next);
    }
    this.#running.delete(sessionId);
    for (const resolve of this.#waiting.splice(0)) resolve();
  }

  async #visit(sessionId: string): Promise<number | undefined> {
    try {
      return await this.#visiting.visit(sessionId);
    } catch (error) {
      this.#log.error('A session could not be visited; it is tried again', {
        sessionId,
        error: error as Error,
      });
      return this.#visiting.retryAt();
    }
  }

  async #release(sessionId: string, shard: number, next: number | undefined): Promise<void> {
    try {
      await this.#visiting.release(sessionId, shard, next);
    } catch (error) {
      logFailure(this.#log, 'The claim of a visited session could not be ended yet', error, { sessionId });
    }
  }
}
