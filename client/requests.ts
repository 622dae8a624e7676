import type { Environment } from './environment.ts';
import { RollcallError, unavailable } from './errors.ts';
import type { Frame } from './gather.ts';
import type { Link } from './link.ts';

export interface AskOptions {
  /** Abandons the request; its promise rejects with the signal's reason. */
  signal?: AbortSignal;
  /** Sends on this socket only; if that is lost the request fails. */
  link?: Link;
  /** Whether it may be sent now; asked again with each `flush`. */
  gate?: () => boolean;
  /** Whether sending it twice does no harm; then it is sent once more after a reconnect. Default true. */
  repeatable?: boolean;
  /** Takes the reply before any later frame is looked at, which a promise would not. */
  onReply?: (reply: Frame) => void;
  /** How long it may take. Default 10 seconds. */
  millis?: number;
}

export interface Requests {
  /** Sends a request, now or once there is a connection, and waits for its one reply. */
  ask(message: Frame, options?: AskOptions): Promise<Frame>;
  /** @returns whether the frame was the reply to a request. */
  answer(frame: Frame): boolean;
  /** Sends what waits for a connection or for its gate. */
  flush(): void;
  lost(link: Link): void;
  isPendingOn(link: Link): boolean;
  rejectAll(error: RollcallError): void;
}

interface Pending {
  options: AskOptions;
  /** Where it was sent; undefined: it waits. */
  link: Link | undefined;
  /** How often it was sent. */
  count: number;
  /** Sends it if it waits and can be sent. */
  dispatch(): void;
  /** Settles the promise by one of its two functions, once. */
  settle(finish: () => void): void;
  resolve(frame: Frame): void;
  reject(error: unknown): void;
}

/** Every request settles within this, whatever happens to the socket (rule CL9). */
const settleMillis = 10_000;

/**
 * The requests that wait for their replies. They outlive the sockets they are sent on.
 *
 * @param silent hears of a socket on which nothing came while a request waited for its whole time.
 */
export function createRequests(
  { after, now }: Environment,
  currentLink: () => Link | undefined,
  silent: (link: Link) => void,
): Requests {
  const pending = new Map<string, Pending>();
  let count = 0;
  const fail = (entry: Pending, error: unknown) => entry.settle(() => entry.reject(error));
  const entriesOn = (link: Link) => [...pending.values()].filter((entry) => entry.link === link);

  return {
    ask: (message, options = {}) =>
      new Promise((resolve, reject) => {
        const { signal, millis = settleMillis, gate } = options;
        count += 1;
        const requestId = `r${count}`;
        const abort = () => fail(entry, signal!.reason);
        const cancel = after(millis, () => {
          const { link, count } = entry;
          fail(
            entry,
            unavailable(
              count
                ? 'Rollcall did not answer in time, so this may or may not be done; try again.'
                : 'This was not sent, because there is no connection; try again later.',
            ),
          );
          if (link?.isOpen && link.heardAt < sentAt) silent(link);
        });
        let sentAt = 0;
        const entry: Pending = {
          options,
          link: undefined,
          count: 0,
          resolve,
          reject,
          dispatch() {
            const link = options.link ?? currentLink();
            if (entry.link || !link?.isOpen || gate?.() === false) return;
            entry.link = link;
            entry.count += 1;
            sentAt = now();
            link.send({ ...message, requestId });
          },
          settle(finish) {
            if (!pending.delete(requestId)) return;
            cancel();
            signal?.removeEventListener('abort', abort);
            finish();
          },
        };
        pending.set(requestId, entry);
        signal?.addEventListener('abort', abort);
        if (signal?.aborted) abort();
        else if (options.link?.isOpen === false) fail(entry, lostError());
        else entry.dispatch();
      }),
    answer(frame) {
      const entry = pending.get(frame.requestId!);
      if (!entry) return false;
      if (frame.type !== 'error') {
        entry.settle(() => {
          entry.options.onReply?.(frame);
          entry.resolve(frame);
        });
      } else if (frame['code'] === 'RATE_LIMITED') {
        after((frame['retryAfterMillis'] as number) || 1000, () => {
          entry.link = undefined;
          if (pending.has(frame.requestId!)) entry.dispatch();
        });
      } else fail(entry, errorOf(frame));
      return true;
    },
    flush() {
      for (const entry of pending.values()) entry.dispatch();
    },
    lost(link) {
      for (const entry of entriesOn(link)) {
        const { link: bound, repeatable = true } = entry.options;
        if (bound || !repeatable || entry.count > 1) fail(entry, lostError());
        else entry.link = undefined;
      }
    },
    isPendingOn: (link) => entriesOn(link).length > 0,
    rejectAll(error) {
      for (const entry of [...pending.values()]) fail(entry, error);
    },
  };
}

const lostError = () => unavailable('The connection was lost before an answer, so this may or may not be done.');

/** The error an `error` frame tells. */
export function errorOf({ code, message, ...options }: Frame): RollcallError {
  return new RollcallError(code as RollcallError['code'], message as string, options as object);
}
