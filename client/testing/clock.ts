/** A clock that stands still until it is advanced. */
export interface Clock {
  /** Unix milliseconds. */
  now(): number;
  /** @returns the function that cancels. */
  after(millis: number, run: () => void): () => void;
  /** Moves the time on and runs what falls due, in order; promises settle in between. */
  advance(millis: number): Promise<void>;
  /** Timers that wait. */
  readonly waiting: number;
}

interface Timer {
  at: number;
  run: () => void;
}

/** Enough for every chain of promises in the client and the service; in memory nothing takes longer. */
const turns = 60;

/** Lets everything run that does not wait for time. */
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
