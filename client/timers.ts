import type { Environment } from './environment.ts';

/** Timers by name; each name has at most one. */
export interface Timers {
  /** Starts the timer and replaces one of the same name. */
  wait(name: string, millis: number, run: () => void): void;
  has(name: string): boolean;
  stop(name: string): void;
  stopAll(): void;
}

export function createTimers({ after }: Environment): Timers {
  const cancels = new Map<string, () => void>();
  const timers: Timers = {
    wait(name, millis, run) {
      timers.stop(name);
      const cancel = after(millis, () => {
        cancels.delete(name);
        run();
      });
      cancels.set(name, cancel);
    },
    has: (name) => cancels.has(name),
    stop(name) {
      cancels.get(name)?.();
      cancels.delete(name);
    },
    stopAll() {
      for (const name of [...cancels.keys()]) timers.stop(name);
    },
  };
  return timers;
}
