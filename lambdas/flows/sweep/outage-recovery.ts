import type { Services } from '../../services/services.ts';
import { bringAllBack, recoverPresence } from '../presence/recover-presence.ts';

/**
 * An execution environment may treat Redis as away a moment longer than the sweep does. A user who joins through it
 * meanwhile is not seated, and would be announced as having left with the last of their other connections. So all sessions
 * are rebuilt a second time after this time.
 */
const doubtMillis = 2000;

/** The restoration of all sessions after an outage of Redis, as one sweep does it (rule FA1). */
export class OutageRecovery {
  readonly #services: Services;
  #againAt = Number.POSITIVE_INFINITY;
  /** Sessions that could not be restored yet. */
  #failed: readonly string[] = [];
  #retriesUntil = 0;

  constructor(services: Services) {
    this.#services = services;
  }

  /** Whether the sweep has to go on, even if enough other sweeps run. They may have started after the outage and not know of it. */
  get isPending(): boolean {
    return this.#againAt !== Number.POSITIVE_INFINITY || this.#failed.length > 0;
  }

  /**
   * Restores all sessions when Redis is back, and again a little later. Between, it tries those again that could not be restored, until
   * everybody who is present has sent a frame.
   *
   * @param now Unix milliseconds.
   * @param isBack whether Redis was away until now.
   */
  async run(now: number, isBack: boolean): Promise<void> {
    if (isBack) this.#retriesUntil = now + this.#services.timings.offlineAfterMillis;
    if (isBack || now >= this.#againAt) {
      this.#failed = await recoverPresence(this.#services);
      this.#againAt = isBack ? now + doubtMillis : Number.POSITIVE_INFINITY;
    } else if (this.#failed.length > 0) {
      this.#failed = await bringAllBack(this.#services, this.#failed);
    }
    if (now >= this.#retriesUntil) this.#failed = [];
  }

  /**
   * Whether every session is restored. Before that no sweep may note a round: other environments would take it as a sign that the
   * stored signs of life are complete.
   */
  get isComplete(): boolean {
    return this.#failed.length === 0;
  }
}
