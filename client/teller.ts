import type { Connection } from './connection.ts';
import type { Environment } from './environment.ts';
import type { RollcallError } from './errors.ts';
import type { Link } from './link.ts';
import type { Own } from './own.ts';
import type { Presence } from './presence.ts';
import type { Timers } from './timers.ts';

/** What a teller sees of its session. */
export interface Told {
  /** The socket on which the session is joined; undefined while it is not. */
  link(): Link | undefined;
  id(): string;
  presence: Presence;
  /** A change was refused: the application is shown the service's state again. */
  refused(error: RollcallError): void;
}

/** Tells the service what a person does in a session. */
export interface Teller {
  /** Sends what changed in one frame, as often as the service wants it and the rate limit allows. */
  flush(): void;
  /**
   * Sends a heartbeat if one is due.
   *
   * @param hidden whether the page's timers are slow.
   * @param inputAt when the person last did something.
   * @param force whether it is sent though it is not due.
   * @returns when the next one is due.
   */
  beat(hidden: boolean, inputAt: number, force: boolean): number;
  /** A frame about the session went out. */
  sent(): void;
}

const retryMillis = 2000;

export function createTeller(
  { now }: Environment,
  { requests, drop }: Connection,
  throttleMillis: number | undefined,
  own: Own,
  timers: Timers,
  session: Told,
): Teller {
  let flushedAt = Number.NEGATIVE_INFINITY;
  let sentAt = now();
  const isAlone = () => session.presence.users.size < 2;

  function flush(): void {
    const link = session.link();
    if (!link || timers.has('flush')) return;
    const early = Math.max(flushedAt + (throttleMillis ?? link.welcome.batchMillis) - now(), link.wait());
    if (early > 0) {
      timers.wait('flush', early, flush);
      return;
    }
    const change = own.take(!isAlone());
    if (!change) return;
    flushedAt = now();
    const sessionId = session.id();
    if (change.cursor && Object.keys(change).length === 1) {
      own.confirm(change);
      link.send({ type: 'cursor_update', sessionId, ...change });
      return;
    }
    requests.ask({ type: 'presence_update', sessionId, ...change }, { link }).then(
      () => own.confirm(change),
      (error: RollcallError) => {
        // After a loss the change was taken up again already, and goes with the next join.
        if (!link.isOpen) return;
        if (error.retryable) {
          own.repeat(change);
          timers.wait('flush', error.retryAfterMillis ?? retryMillis, flush);
        } else {
          own.confirm(change);
          session.refused(error);
        }
      },
    );
  }

  return {
    flush,
    beat(hidden, inputAt, force) {
      const link = session.link();
      const at = now();
      const interval = (link?.welcome.heartbeatSeconds ?? 30) * 1000;
      if (link && (force || at - sentAt >= interval)) {
        const { epoch, seq } = session.presence;
        const cursor = own.cursor ?? undefined;
        const marks = { idle: inputAt < sentAt || undefined, hidden: hidden || undefined };
        const message = { type: 'heartbeat', sessionId: session.id(), cursor, epoch, seq, ...marks };
        sentAt = at;
        if (isAlone()) own.carried();
        if (at - link.heardAt < interval) link.send(message);
        else {
          // Nothing came for a whole interval: the answer shows whether anything still can.
          requests.ask(message, { link }).catch(() => {
            if (link.isOpen && link.heardAt < at) drop(link);
          });
        }
      }
      return sentAt + interval;
    },
    sent() {
      sentAt = now();
    },
  };
}
