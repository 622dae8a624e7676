import type { Environment } from './environment.ts';
import { RollcallError, unavailable } from './errors.ts';
import type { Frame } from './gather.ts';
import type { Link } from './link.ts';

export interface AskOptions {
  /** Cancels the request; its promise rejects with the signal's reason. */
  signal?: AbortSignal;
  /** The only socket that may be used; if it is lost, the request fails. */
  link?: Link;
  /** The socket to use now; undefined while the request must wait. Called again by each `flush`. Default: the newest socket. */
  via?: () => Link | undefined;
  /** Returns the id of the session. Called when the request is sent, because before the join only the key is known. */
  currentId?: () => string;
  /** Whether it may be sent twice; then it is sent again after a reconnect. Default true. */
  repeatable?: boolean;
  /** Called with the reply and its socket before any later frame is handled; a promise would resolve too late. */
  onReply?: (reply: Frame, link: Link) => void;
  /** How long the request may take, in milliseconds. Default 10,000. */
  millis?: number;
}

export interface Requests {
  /** Sends a request, now or when connected, and waits for its reply. */
  ask(message: Frame, options?: AskOptions): Promise<Frame>;
  /** @returns whether the frame was the reply to a request. */
  answer(frame: Frame): boolean;
  /** Sends the requests that wait for a socket. */
  flush(): void;
  linkLost(link: Link): void;
  isPendingOn(link: Link): boolean;
  rejectAll(error: RollcallError): void;
}

interface Pending {
  options: AskOptions;
  /** The socket on which it was sent; undefined while it waits. */
  link: Link | undefined;
  /** How often it was sent. */
  count: number;
  /** Sends it if it waits and can be sent. */
  dispatch(): void;
  /** Settles the promise once, by one of the next two functions. */
  settle(finish: () => void): void;
  resolve(frame: Frame): void;
  reject(error: unknown): void;
}

/** Each request settles within this time in milliseconds, whatever happens to the socket (rule CL9). */
const timeoutMillis = 10_000;

/**
 * The requests that wait for their replies. A request can continue on another socket.
 *
 * @param silent is called with a socket on which no frame arrived during the whole time of a request.
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
        const { signal, millis = timeoutMillis, via = currentLink } = options;
        count += 1;
        const requestId = `r${count}`;
        const abort = () => fail(entry, signal!.reason);
        const cancel = after(millis, () => {
          const { link, count } = entry;
          fail(
            entry,
            unavailable(
              count
                ? 'Rollcall did not answer in time. It may or may not be done; try again.'
                : 'This was not sent because there is no connection; try again later.',
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
            const link = options.link ?? via();
            if (entry.link || !link?.isOpen) return;
            entry.link = link;
            entry.count += 1;
            sentAt = now();
            link.send({ sessionId: options.currentId?.(), ...message, requestId });
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
          entry.options.onReply?.(frame, entry.link!);
          entry.resolve(frame);
        });
      } else if (frame['code'] === 'RATE_LIMITED') {
        const { link } = entry;
        after((frame['retryAfterMillis'] as number) || 1000, () => {
          // After a loss of the socket it was sent on another one, or waits for one.
          if (entry.link !== link || !pending.has(frame.requestId!)) return;
          entry.link = undefined;
          entry.dispatch();
        });
      } else fail(entry, errorOf(frame));
      return true;
    },
    flush() {
      for (const entry of pending.values()) entry.dispatch();
    },
    linkLost(link) {
      for (const entry of entriesOn(link)) {
        const { link: bound, repeatable = true } = entry.options;
        if (bound || !repeatable || entry.count > 1) fail(entry, lostError());
        else {
          entry.link = undefined;
          // The session, or the connection, may use another socket already.
          entry.dispatch();
        }
      }
    },
    isPendingOn: (link) => entriesOn(link).length > 0,
    rejectAll(error) {
      for (const entry of [...pending.values()]) fail(entry, error);
    },
  };
}

const lostError = () => unavailable('The connection was lost before the answer. It may or may not be done.');

/** The error of an `error` frame. */
export function errorOf({ code, message, ...options }: Frame): RollcallError {
  return new RollcallError(code as RollcallError['code'], message as string, options as object);
}
