/** A clock whose time changes only by `advance`. */
export interface Clock {
  /** Unix milliseconds. */
  now(): number;
  /** @returns the function that cancels. */
  after(millis: number, run: () => void): () => void;
  /** Advances the time and runs the due timers in order; promises settle in between. */
  advance(millis: number): Promise<void>;
  /** The number of waiting timers. */
  readonly waiting: number;
}

interface Timer {
  at: number;
  run: () => void;
}

/** Enough turns of the event loop for all chains of promises of the client and the in-memory service. */
const turns = 60;

/** Waits until all work has run that does not wait for a timer. */
export async function settle(): Promise<void> {
  for (let turn = 0; turn < turns; turn += 1) await undefined;
}

export function createClock(start: number): Clock {
  let time = start;
  const timers = new Set<Timer>();
  const next = (until: number) =>
    [...timers].filter(({ at }) => at <= until).reduce<Timer | undefined>(earlier, undefined);
  return {
    now: () => time,
    after(millis, run) {
      const timer = { at: time + Math.max(0, millis), run };
      timers.add(timer);
      return () => void timers.delete(timer);
    },
    async advance(millis) {
      const end = time + millis;
      await settle();
      for (let timer = next(end); timer; timer = next(end)) {
        timers.delete(timer);
        time = Math.max(time, timer.at);
        timer.run();
        await settle();
      }
      time = end;
    },
    get waiting() {
      return timers.size;
    },
  };
}

function earlier(one: Timer | undefined, other: Timer): Timer {
  return one && one.at <= other.at ? one : other;
}
