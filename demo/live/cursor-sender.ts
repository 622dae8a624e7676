import type { Cursor } from '../../protocol/entities.ts';

export interface CursorSenderOptions {
  /** The shortest time between two sends, in milliseconds. */
  intervalMillis: number;
  /** Whether the user is alone in the session, so that no cursor needs to be sent. */
  alone: () => boolean;
  /** @returns false if it could not be sent now; the cursor is kept. */
  send: (cursor: Cursor) => boolean;
  now: () => number;
}

/** Sends at most one cursor per interval and keeps only the latest one in between [CL5]. */
export class CursorSender {
  readonly #options: CursorSenderOptions;
  #latest: Cursor | undefined;
  #unsent = false;
  #sentAt = Number.NEGATIVE_INFINITY;
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(options: CursorSenderOptions) {
    this.#options = options;
  }

  /** The current cursor of the user, sent or not. */
  get latest(): Cursor | undefined {
    return this.#latest;
  }

  move(cursor: Cursor): void {
    this.#latest = cursor;
    this.#unsent = true;
    this.flush();
  }

  /** Sends the waiting cursor if the interval is over. Also called when a user joined or after a reconnect. */
  flush(): void {
    if (!this.#latest || !this.#unsent || this.#timer !== undefined || this.#options.alone()) return;
    const wait = this.#sentAt + this.#options.intervalMillis - this.#options.now();
    if (wait > 0) {
      this.#timer = setTimeout(() => {
        this.#timer = undefined;
        this.flush();
      }, wait);
      return;
    }
    if (!this.#options.send(this.#latest)) return;
    this.#sentAt = this.#options.now();
    this.#unsent = false;
  }

  /** Marks the latest cursor as sent by a heartbeat. */
  carried(): void {
    this.#unsent = false;
  }

  /** A user joined who has not seen the cursor yet, so it is sent again. */
  repeat(): void {
    this.#unsent = true;
    this.flush();
  }

  stop(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }
}
