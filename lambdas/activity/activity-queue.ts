import { log } from '../platform/log.ts';
import type { ActivityEntry } from './activity-entry.ts';

/** Rule AC2's figures. */
export const queueItems = 100;
export const queueMillis = 1000;
/** What is kept at most while no store takes anything; nothing of it was acknowledged. */
const keptItems = 10_000;

/**
 * Gathers entries and hands them on in bulk: at 100, after a second, and whenever it is flushed. Batches go one after the
 * other, in the order in which they were added. A batch that fails is kept for the next flush.
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
    // After a failure the next try is the timer's or a flush's, not that of every entry that comes.
    if (this.#waiting.length >= queueItems && !this.#failure) this.#start();
    else this.#timer ??= setTimeout(() => this.#start(), queueMillis).unref();
  }

  /**
   * Resolves when everything that was added before is durable.
   *
   * @throws what the write threw; the entries stay queued.
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
