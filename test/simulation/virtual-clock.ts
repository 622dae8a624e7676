import { setImmediate as nextTurn } from 'node:timers';

interface Appointment {
  at: number;
  order: number;
  action: () => void | Promise<void>;
  timer: Timer;
}

/** The result of a virtual `setTimeout`. */
export interface Timer {
  cancelled: boolean;
}

/**
 * The clock of one simulated scenario. All waits are entries of its list. The clock runs one entry after another, and waits for all
 * immediate work before the next one. So the order depends only on the seed.
 */
export class VirtualClock {
  /** Unix milliseconds. */
  now: number;
  readonly #heap: Appointment[] = [];
  /** Called after each entry. It throws if work of the entry still runs. */
  check: () => void = () => {};
  #orders = 0;

  constructor(start: number) {
    this.now = start;
  }

  after(millis: number, action: () => void | Promise<void>): Timer {
    const timer = { cancelled: false };
    this.#push({ at: this.now + Math.max(0, millis), order: this.#orders++, action, timer });
    return timer;
  }

  /** Runs until the given time; later entries are dropped. */
  async runUntil(end: number): Promise<void> {
    for (let next = this.#heap[0]; next && next.at <= end; next = this.#heap[0]) {
      this.#pop();
      if (next.timer.cancelled) continue;
      this.now = next.at;
      const pending = next.action();
      if (pending) await pending;
      // Promise reactions run before the next turn of the event loop begins.
      await new Promise((resolve) => nextTurn(resolve));
      this.check();
    }
    this.now = end;
  }

  #push(appointment: Appointment): void {
    const heap = this.#heap;
    let index = heap.push(appointment) - 1;
    while (index > 0) {
      const parent = (index - 1) >> 1;
      if (!before(heap[index]!, heap[parent]!)) break;
      swap(heap, index, parent);
      index = parent;
    }
  }

  #pop(): void {
    const heap = this.#heap;
    const last = heap.pop()!;
    if (heap.length === 0) return;
    heap[0] = last;
    for (let index = 0; ; ) {
      const [left, right] = [2 * index + 1, 2 * index + 2];
      let least = index;
      if (left < heap.length && before(heap[left]!, heap[least]!)) least = left;
      if (right < heap.length && before(heap[right]!, heap[least]!)) least = right;
      if (least === index) return;
      swap(heap, index, least);
      index = least;
    }
  }
}

function before(first: Appointment, second: Appointment): boolean {
  return first.at < second.at || (first.at === second.at && first.order < second.order);
}

function swap(heap: Appointment[], first: number, second: number): void {
  [heap[first], heap[second]] = [heap[second]!, heap[first]!];
}
