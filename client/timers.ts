import type { Environment } from './environment.ts';

/** Timers by name; each name has at most one. */
export interface Timers {
  /** Starts the timer and replaces one of the same name. */
  wait(name: string, millis: number, run: () => void): void;
  has(name: string): boolean;
  stop(name: string): void;
  stopAll(): void;
}

/** How long to wait before a refused message is sent again, in milliseconds, unless the service named a time. */
export const retryMillis = 2000;

/** The outcome of some work, or a rejection with `error` if it takes longer. */
export function inTime<T>({ after }: Environment, millis: number, work: Promise<T>, error?: Error): Promise<T> {
  let cancel: (() => void) | undefined;
  const tooLong = new Promise<never>((_, reject) => {
    cancel = after(millis, () => reject(error));
  });
  return Promise.race([work, tooLong]).finally(cancel);
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
