import { log } from '../platform/log.ts';
import type { ActivityEntry } from './activity-entry.ts';

/** The numbers of rule AC2. */
export const queueItems = 100;
export const queueMillis = 1000;
/** The most entries that are kept while no store accepts any. None of them was acknowledged. */
const keptItems = 10_000;

/**
 * Collects entries and writes them in batches: at 100 entries, after one second, and at each flush. Batches are written one
 * after the other, in the order in which their entries were added. A batch that fails is kept for the next flush.
 */
export class ActivityQueue {
  readonly #write: (entries: ActivityEntry[]) => Promise<void>;
  #waiting: ActivityEntry[] = [];
  #writing: Promise<void> = Promise.resolve();
  #failure: { error: unknown } | undefined;
  #timer: NodeJS.Timeout | undefined;

  constructor(write: (entries: ActivityEntry[]) => Promise<void>) {
    this.#write = write;
  }

  add(entry: ActivityEntry): void {
    this.#waiting.push(entry);
    // After a failure, only the timer or a flush tries again. Otherwise each new entry would cause an attempt.
    if (this.#waiting.length >= queueItems && !this.#failure) this.#start();
    else this.#timer ??= setTimeout(() => this.#start(), queueMillis).unref();
  }

  /**
   * Resolves when all entries that were added before are durable.
   *
   * @throws the error of the write; the entries stay queued.
   */
  async flush(): Promise<void> {
    this.#takeFailure();
    this.#start();
    await this.#writing;
    const failure = this.#takeFailure();
    if (failure) throw failure.error;
  }

  #takeFailure(): { error: unknown } | undefined {
    const failure = this.#failure;
    this.#failure = undefined;
    return failure;
  }

  #start(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    const batch = this.#waiting.splice(0);
    if (batch.length > 0) this.#writing = this.#writing.then(() => this.#hand(batch));
  }

  async #hand(batch: ActivityEntry[]): Promise<void> {
    try {
      await this.#write(batch);
    } catch (error) {
      this.#failure = { error };
      this.#waiting.unshift(...batch);
      const dropped = this.#waiting.splice(keptItems).length;
      log.error('Queued activity could not be written', { entries: batch.length, dropped, error: error as Error });
      this.#timer ??= setTimeout(() => this.#start(), queueMillis).unref();
    }
  }
}
