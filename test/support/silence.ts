/**
 * Measures the longest time for which the service may have heard nothing of a user. A frame is served between its sending and
 * its answer. So the service heard nothing for at most the time from the sending of one answered frame to the answer of the
 * next one.
 */
export class Silence {
  #longest = 0;
  #lastSentAt: number;
  #stopped = false;

  /** @param since when the user may have been silent first, by `performance.now()`. */
  constructor(since = performance.now()) {
    this.#lastSentAt = since;
  }

  /** A frame that was sent at this moment, by `performance.now()`, is answered now. */
  endedBy(sentAt: number): void {
    if (this.#stopped) return;
    this.#note();
    this.#lastSentAt = Math.max(this.#lastSentAt, sentAt);
  }

  /** The same for one exchange of a frame and its answer. */
  async during<T>(exchange: () => Promise<T>): Promise<T> {
    const sentAt = performance.now();
    const answer = await exchange();
    this.endedBy(sentAt);
    return answer;
  }

  /** The user may be silent from now on. */
  stop(): void {
    if (!this.#stopped) this.#note();
    this.#stopped = true;
  }

  /** The longest silence until now, in milliseconds. */
  get longestMillis(): number {
    if (!this.#stopped) this.#note();
    return this.#longest;
  }

  #note(): void {
    this.#longest = Math.max(this.#longest, performance.now() - this.#lastSentAt);
  }
}

/** How often a scenario is tried on a machine that is too busy for it. */
const mostAttempts = 5;

export interface PresentUsers {
  /** The number of this attempt, for names that are unlike. */
  attempt: number;
  /** When this attempt began, by `performance.now()`. */
  began: number;
  /** Begins to measure the silence of one user, from now or from an earlier time: the user may have joined long before. */
  silence(since?: number): Silence;
}

/**
 * Runs a scenario in which some users must not be silent for long. A busy machine can make a user silent for so long that the
 * service must announce their leave. A failure after that proves nothing about the service, so the scenario runs again. Any
 * other failure counts.
 *
 * @param offlineMillis after this long a silent user is offline.
 * @param restore brings back what an attempt that failed left behind.
 */
export async function whilePresent(
  offlineMillis: number,
  scenario: (users: PresentUsers) => Promise<void>,
  restore: () => Promise<void> | void,
): Promise<void> {
  for (let attempt = 1; ; attempt += 1) {
    const silences: Silence[] = [];
    const silence = (since?: number) => {
      silences.push(new Silence(since));
      return silences.at(-1)!;
    };
    try {
      await scenario({ attempt, began: performance.now(), silence });
      return;
    } catch (error) {
      const longest = Math.max(0, ...silences.map(({ longestMillis }) => longestMillis));
      if (longest < offlineMillis || attempt === mostAttempts) throw error;
      console.warn(`Attempt ${attempt} proves nothing: a user was silent for ${Math.round(longest)} ms. ${error}`);
      await restore();
    }
  }
}
