export interface HeartbeatOptions {
  /** How often the server wants a sign of life. */
  intervalMillis: number;
  /** When this page last sent any frame about the session. */
  lastSentAt: () => number;
  send: () => void;
  now: () => number;
}

/** Sends a heartbeat when nothing else was sent for an interval (rule CL4). */
export class Heartbeat {
  readonly #options: HeartbeatOptions;
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(options: HeartbeatOptions) {
    this.#options = options;
    this.#schedule();
  }

  stop(): void {
    clearTimeout(this.#timer);
  }

  #schedule(): void {
    const { intervalMillis, lastSentAt, now } = this.#options;
    const due = lastSentAt() + intervalMillis;
    this.#timer = setTimeout(() => this.#beat(), Math.max(due - now(), 0));
  }

  #beat(): void {
    const { intervalMillis, lastSentAt, send, now } = this.#options;
    const due = now() - lastSentAt() >= intervalMillis;
    if (due) send();
    // A frame that could not be sent leaves the clock where it was; look again after a whole interval then.
    if (due && now() - lastSentAt() >= intervalMillis) this.#timer = setTimeout(() => this.#beat(), intervalMillis);
    else this.#schedule();
  }
}
