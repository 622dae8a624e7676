import type { Connection } from './connection.ts';
import type { Environment } from './environment.ts';
import type { RollcallError } from './errors.ts';
import type { Link } from './link.ts';
import type { Own, OwnChange } from './own.ts';
import type { Presence } from './presence.ts';
import type { Timers } from './timers.ts';

/** What a teller sees of its session. */
export interface Told {
  /** The socket on which the session is joined; undefined while it is not. */
  link(): Link | undefined;
  id(): string;
  presence: Presence;
  /** Nothing was said for so long that the service may have given the person up. */
  lapsed(link: Link): void;
  /** The service has a change. It does not tell somebody who is alone, and nobody of their own cursor. */
  confirmed(change: OwnChange): void;
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
/** How long the service waits for a connection that said `hidden`. */
const hiddenMillis = 150_000;

export function createTeller(
  { now }: Environment,
  { requests, check }: Connection,
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
      session.confirmed(change);
      link.send({ type: 'cursor_update', sessionId, ...change });
      return;
    }
    requests.ask({ type: 'presence_update', sessionId, ...change }, { link }).then(
      () => session.confirmed(change),
      (error: RollcallError) => {
        // After a loss the change was taken up again already, and goes with the next join.
        if (!link.isOpen) return;
        if (error.retryable || error.code === 'NOT_IN_SESSION') {
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
      const isQuiet = link && at - link.heardAt >= interval;
      const patience = hidden ? hiddenMillis : 2 * interval;
      if (link && at - sentAt >= patience) {
        sentAt = at;
        session.lapsed(link);
      } else if (link && (force || at - sentAt >= interval)) {
        const { epoch, seq } = session.presence;
        const cursor = own.cursor ?? undefined;
        const marks = { idle: inputAt < sentAt || undefined, hidden: hidden || undefined };
        const message = { type: 'heartbeat', sessionId: session.id(), cursor, epoch, seq, ...marks };
        sentAt = at;
        if (isAlone()) own.carried();
        // Where nothing came for a whole interval, the answer shows whether anything still can.
        if (isQuiet) requests.ask(message, { link }).catch(() => {});
        else link.send(message);
      } else if (isQuiet) check();
      return sentAt + interval;
    },
    sent() {
      sentAt = now();
    },
  };
}
