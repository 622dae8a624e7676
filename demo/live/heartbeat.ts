export interface HeartbeatOptions {
  /** The interval in which the server needs a sign of life. */
  intervalMillis: number;
  /** The time of this page's last frame about the session. */
  lastSentAt: () => number;
  send: () => void;
  now: () => number;
}

/** Sends a heartbeat if no other frame was sent for one interval [CL4]. */
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
    // If the frame could not be sent, the time of the last frame is old. Then wait a whole interval.
    if (due && now() - lastSentAt() >= intervalMillis) this.#timer = setTimeout(() => this.#beat(), intervalMillis);
    else this.#schedule();
  }
}
