import type { Device } from './device.ts';

/** Each promise of the client settles within this time, in milliseconds (rule CL9); the rest is for the timer. */
const settleMillis = 10_000 + 50;
/** By how much a timer of a hidden page may be late, in milliseconds. */
const clampedMillis = 60_000;

interface Watched {
  name: string;
  since: number;
}

/** Checks that the promises of a client settle in time. */
export class PromiseWatch {
  readonly #now: () => number;
  readonly #device: Device;
  readonly #violate: (text: string) => void;
  readonly #pending = new Set<Watched>();
  /** The end of the last period in which the page's timers were late. */
  #sluggishUntil = 0;

  constructor(now: () => number, device: Device, violate: (text: string) => void) {
    this.#now = now;
    this.#device = device;
    this.#violate = violate;
  }

  /** Notes that the page was frozen, or its timers were slowed down, until now. */
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

  /** Checks the pending promises; call it while no page is frozen. */
  check(): void {
    for (const watched of this.#pending) this.#judge(watched);
  }

  #judge({ name, since }: Watched): void {
    if (this.#device.isGone) return;
    const begun = Math.max(since, this.#sluggishUntil);
    if (this.#now() - begun <= settleMillis + (this.#device.isClamped ? clampedMillis : 0)) return;
    this.#violate(`[row 12] ${name} is not settled after ${this.#now() - begun} ms`);
  }
}
