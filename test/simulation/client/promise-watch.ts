import type { Device } from './device.ts';

/** Every promise of the client settles within this (rule CL9), and a moment for the timer. */
const settleMillis = 10_000 + 50;

interface Watched {
  name: string;
  since: number;
}

/** Follows the promises that a client gave. */
export class PromiseWatch {
  readonly #now: () => number;
  readonly #device: Device;
  readonly #violate: (text: string) => void;
  readonly #pending = new Set<Watched>();
  /** Until when the page's timers did not run in time. */
  #sluggishUntil = 0;

  constructor(now: () => number, device: Device, violate: (text: string) => void) {
    this.#now = now;
    this.#device = device;
    this.#violate = violate;
  }

  /** The page is frozen, or its timers are clamped, until now at least. */
  noteSluggish(): void {
    this.#sluggishUntil = this.#now();
  }

  add<T>(name: string, promise: Promise<T>, done: (outcome: T | Error) => void = () => {}): void {
    const watched = { name, since: this.#now() };
    this.#pending.add(watched);
    const settle = (outcome: T | Error) => {
      this.#pending.delete(watched);
      this.#judge(watched);
      done(outcome);
    };
    promise.then(settle, settle);
  }

  /** To be called in a time in which no page is frozen. */
  check(): void {
    for (const watched of this.#pending) this.#judge(watched);
  }

  #judge({ name, since }: Watched): void {
    if (this.#device.isGone) return;
    const begun = Math.max(since, this.#sluggishUntil);
    if (this.#now() - begun <= settleMillis) return;
    this.#violate(`[row 12] ${name} is not settled after ${this.#now() - begun} ms`);
  }
}
