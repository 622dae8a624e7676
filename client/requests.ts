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
  message: Frame;
  options: AskOptions;
  /** Where it was sent; undefined: it waits. */
  link: Link | undefined;
  sent: number;
  settle: (finish: () => void) => void;
  resolve: (frame: Frame) => void;
  reject: (error: unknown) => void;
}

/** Every request settles within this, whatever happens to the socket (rule CL9). */
const settleMillis = 10_000;

/** The requests that wait for their replies. They outlive the sockets they are sent on. */
export function createRequests(environment: Environment, currentLink: () => Link | undefined): Requests {
  const pending = new Map<string, Pending>();
  let count = 0;

  function dispatch(requestId: string, entry: Pending): void {
    const link = entry.options.link ?? currentLink();
    if (entry.link || !link?.isOpen || entry.options.gate?.() === false) return;
    entry.link = link;
    entry.sent += 1;
    link.send({ ...entry.message, requestId });
  }

  const fail = (entry: Pending, error: unknown) => entry.settle(() => entry.reject(error));
  const entriesOn = (link: Link) => [...pending.values()].filter((entry) => entry.link === link);

  return {
    ask: (message, options = {}) =>
      new Promise((resolve, reject) => {
        const { signal, millis = settleMillis } = options;
        if (signal?.aborted) return reject(signal.reason);
        const requestId = `r${++count}`;
        const abort = () => fail(entry, signal!.reason);
        const cancel = environment.after(millis, () =>
          fail(
            entry,
            unavailable(
              entry.sent
                ? 'Rollcall did not answer in time, so this may or may not be done; try again.'
                : 'This was not sent, because there is no connection; try again when it is back.',
            ),
          ),
        );
        const settle = (finish: () => void) => {
          if (!pending.delete(requestId)) return;
          cancel();
          signal?.removeEventListener('abort', abort);
          finish();
        };
        const entry: Pending = { message, options, link: undefined, sent: 0, settle, resolve, reject };
        pending.set(requestId, entry);
        signal?.addEventListener('abort', abort);
        if (options.link && !options.link.isOpen)
          return fail(entry, unavailable('The connection was lost; try again.'));
        dispatch(requestId, entry);
      }),
    answer(frame) {
      const requestId = frame.requestId!;
      const entry = pending.get(requestId);
      if (!entry) return false;
      if (frame.type !== 'error') {
        entry.settle(() => {
          entry.options.onReply?.(frame);
          entry.resolve(frame);
        });
      } else if (frame['code'] === 'RATE_LIMITED') {
        environment.after((frame['retryAfterMillis'] as number) || 1000, () => {
          entry.link = undefined;
          if (pending.has(requestId)) dispatch(requestId, entry);
        });
      } else fail(entry, errorOf(frame));
      return true;
    },
    flush() {
      for (const [requestId, entry] of pending) dispatch(requestId, entry);
    },
    lost(link) {
      for (const entry of entriesOn(link)) {
        const { link: bound, repeatable = true } = entry.options;
        if (bound || !repeatable || entry.sent > 1) {
          fail(entry, unavailable('The connection was lost before Rollcall answered, so this may or may not be done.'));
        } else entry.link = undefined;
      }
    },
    isPendingOn: (link) => entriesOn(link).length > 0,
    rejectAll(error) {
      for (const entry of [...pending.values()]) fail(entry, error);
    },
  };
}

/** The error an `error` frame tells. */
export function errorOf({ code, message, retryable, retryAfterMillis }: Frame): RollcallError {
  return new RollcallError(code as RollcallError['code'], message as string, {
    retryable: retryable as boolean,
    retryAfterMillis: retryAfterMillis as number | undefined,
  });
}
