import type { Environment } from './environment.ts';
import type { RollcallError } from './errors.ts';
import type { Frame } from './gather.ts';
import { retryMillis } from './timers.ts';

/** The result of logging an activity. */
export interface LoggedActivity {
  activityId: string;
  /** Whether the service has not confirmed it yet. Then the client keeps it and sends it when it is connected. */
  pending: boolean;
}

/** Keeps activities in their order until the service has confirmed them. Each has an id, so a retry writes no second entry. */
export interface Outbox {
  add(activityType: string, details: object | undefined, activityId: string): Promise<LoggedActivity>;
  /** Sends the waiting activities. For the moment in which the session is joined. */
  flush(): void;
}

const timeoutMillis = 10_000;

/**
 * @param ask sends a request that settles within ten seconds.
 * @param report is called if an activity is refused after its promise has settled.
 * @param isJoined is truthy while the session is joined. Otherwise nothing is retried until the session calls `flush`.
 */
export function createOutbox(
  { after }: Environment,
  ask: (message: Frame) => Promise<Frame>,
  report: (error: RollcallError) => void,
  isJoined: () => unknown,
): Outbox {
  const waiting: { message: Frame; done: () => void; refused: (error: RollcallError) => void }[] = [];
  let isRunning = false;

  async function flush(): Promise<void> {
    if (isRunning) return;
    isRunning = true;
    for (; waiting[0]; waiting.shift()) {
      const { message, done, refused } = waiting[0];
      try {
        await ask(message);
        done();
      } catch (failure) {
        const error = failure as RollcallError;
        if (error.retryable) {
          if (isJoined()) after(error.retryAfterMillis ?? retryMillis, flush);
          break;
        }
        refused(error);
      }
    }
    isRunning = false;
  }

  return {
    flush,
    add: (activityType, details, activityId) =>
      new Promise((resolve, reject) => {
        let isSettled = false;
        const settle = (pending: boolean) => {
          isSettled = true;
          cancel();
          resolve({ activityId, pending });
        };
        const cancel = after(timeoutMillis, () => settle(true));
        const refused = (error: RollcallError) => {
          cancel();
          if (isSettled) report(error);
          else reject(error);
        };
        const message = { type: 'activity_log', activityType, details, activityId };
        waiting.push({ message, done: () => settle(false), refused });
        void flush();
      }),
  };
}
