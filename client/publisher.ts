import type { Connection } from './connection.ts';
import type { Environment } from './environment.ts';
import type { RollcallError } from './errors.ts';
import type { Link } from './link.ts';
import type { Own, OwnChange } from './own.ts';
import type { Presence, WireUser } from './presence.ts';
import { retryMillis, type Timers } from './timers.ts';

/** What a publisher needs from its session. */
export interface PublisherSession {
  /** The socket on which the session is joined; undefined while it is not. */
  link(): Link | undefined;
  id(): string;
  presence: Presence;
  /** The user of this client. */
  user(): WireUser | undefined;
  /** No frame was sent for so long that the service may have timed the user out. */
  timedOut(link: Link): void;
  /**
   * The service has applied a change. It does not announce a user's own cursor to them, and nothing to a user who is alone.
   */
  confirmed(change: OwnChange): void;
  /** The service refused a change; the application gets the state of the service again. */
  refused(error: RollcallError): void;
}

/** Sends the user's changes and heartbeats of one session. */
export interface Publisher {
  /** Sends the changes in one frame, not more often than the window of the service and the rate limit allow. */
  flush(): void;
  /**
   * Sends a heartbeat if one is due.
   *
   * @param hidden whether the heartbeat is marked `hidden`, because the page's timers are slow.
   * @param inputAt when the user last did something, in Unix milliseconds.
   * @param force whether to send it even if it is not due.
   * @returns when the next one is due.
   */
  heartbeatIfDue(hidden: boolean, inputAt: number, force: boolean): number;
  /** The service sends cursors this far apart for so many seconds, so more frequent ones would not be sent on. */
  pace(millis: number, seconds: number): void;
  /** Notes that a frame about the session was sent. */
  sent(): void;
  /** Sends the cursor again after two seconds, because its frame may have failed. */
  repeatCursor(): void;
}

/** The timeout of the service for a connection that is marked `hidden`, in milliseconds. */
const hiddenMillis = 150_000;

export function createPublisher(
  { now }: Environment,
  { requests, check }: Connection,
  throttleMillis: number | undefined,
  own: Own,
  timers: Timers,
  session: PublisherSession,
): Publisher {
  let flushedAt = Number.NEGATIVE_INFINITY;
  let sentAt = now();
  let cursorAt = Number.NEGATIVE_INFINITY;
  /** How far apart cursors are sent; 0 while the service asks for nothing else than its window. */
  let paceMillis = 0;
  const isAlone = () => session.presence.users.size < 2;

  function flush(): void {
    const link = session.link();
    if (!link || timers.has('flush')) return;
    const early = Math.max(flushedAt + (throttleMillis ?? link.welcome.batchMillis) - now(), link.wait());
    if (early > 0) {
      timers.wait('flush', early, flush);
      return;
    }
    const paced = cursorAt + paceMillis - now();
    if (paced > 0) timers.wait('cursor', paced, flush);
    const change = own.take(!isAlone() && paced <= 0, session.user());
    if (!change) return;
    flushedAt = now();
    if (change.cursor) cursorAt = flushedAt;
    const sessionId = session.id();
    if (change.cursor && Object.keys(change).length === 1) {
      session.confirmed(change);
      link.send({ type: 'cursor_update', sessionId, ...change });
      return;
    }
    requests.ask({ type: 'presence_update', sessionId, ...change }, { link }).then(
      () => session.confirmed(change),
      (error: RollcallError) => {
        if (link.isOpen && !error.retryable && error.code !== 'NOT_IN_SESSION') {
          own.confirm(change);
          session.refused(error);
          return;
        }
        own.repeat(change);
        // If the socket was lost, the session may be joined on another one. Otherwise the next join contains the change.
        if (link.isOpen) timers.wait('flush', error.retryAfterMillis ?? retryMillis, flush);
        else flush();
      },
    );
  }

  return {
    flush,
    heartbeatIfDue(hidden, inputAt, force) {
      const link = session.link();
      const at = now();
      const interval = (link?.welcome.heartbeatSeconds ?? 30) * 1000;
      const isQuiet = link && at - link.heardAt >= interval;
      const timeoutMillis = hidden ? hiddenMillis : 2 * interval;
      if (link && at - sentAt >= timeoutMillis) {
        sentAt = at;
        session.timedOut(link);
      } else if (link && (force || at - sentAt >= interval)) {
        const { epoch, seq } = session.presence;
        const marks = { idle: inputAt < sentAt || undefined, hidden: hidden || undefined };
        // Another tab of the person may have moved their cursor since; an idle one must not take it back.
        const cursor = (marks.idle ? own.untold : own.cursor) ?? undefined;
        const message = { type: 'heartbeat', sessionId: session.id(), cursor, epoch, seq, ...marks };
        sentAt = at;
        if (cursor && isAlone()) {
          own.cursorSent();
          session.confirmed({ cursor });
        }
        // If no frame arrived for a whole interval, a reply is requested to test the socket.
        if (isQuiet) requests.ask(message, { link }).catch(() => {});
        else link.send(message);
      } else if (isQuiet) check();
      return sentAt + interval;
    },
    pace(millis, seconds) {
      paceMillis = millis;
      timers.wait('pace', seconds * 1000, () => {
        paceMillis = 0;
      });
    },
    sent() {
      sentAt = now();
    },
    repeatCursor() {
      if (own.cursor) own.repeat({ cursor: own.cursor });
      timers.wait('flush', retryMillis, flush);
    },
  };
}
