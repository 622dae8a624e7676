import type { Cursor } from '../../protocol/entities.ts';

export interface CursorSenderOptions {
  /** Least time between two sends, in milliseconds. */
  intervalMillis: number;
  /** Whether nobody else is in the session: then nobody needs the cursor. */
  alone: () => boolean;
  /** @returns false if it could not be sent now; the cursor is kept. */
  send: (cursor: Cursor) => boolean;
  now: () => number;
}

/** Sends the newest cursor at most once an interval; of what came in between only the latest is kept (rule CL5). */
export class CursorSender {
  readonly #options: CursorSenderOptions;
  #latest: Cursor | undefined;
  #unsent = false;
  #sentAt = Number.NEGATIVE_INFINITY;
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(options: CursorSenderOptions) {
    this.#options = options;
  }

  /** Where the person points now, sent or not. */
  get latest(): Cursor | undefined {
    return this.#latest;
  }

  move(cursor: Cursor): void {
    this.#latest = cursor;
    this.#unsent = true;
    this.flush();
  }

  /** Sends what waits if it is time: also when somebody joined or the connection came back. */
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

  /** A heartbeat carried the latest cursor. */
  carried(): void {
    this.#unsent = false;
  }

  /** Somebody is here who has not seen the cursor yet. */
  repeat(): void {
    this.#unsent = true;
    this.flush();
  }

  stop(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }
}
