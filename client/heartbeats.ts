import type { Connection } from './connection.ts';
import type { Environment, PageEvent } from './environment.ts';
import type { Frame } from './gather.ts';
import type { Publisher } from './publisher.ts';
import type { SessionCore } from './session.ts';

/** The heartbeats of all sessions. */
export interface Heartbeats {
  /** Starts the heartbeats, or computes again when the next one is due. */
  start(): void;
  stop(): void;
  /** Notes that the user did something. */
  touch(): void;
  /** Notes that a session was joined. */
  joined(publisher: Publisher): void;
  /** Notes that a frame was sent. */
  sent(frame: Frame): void;
}

/** If a timer fires this many milliseconds late, the machine slept or the page was frozen. */
const sleepMillis = 5000;
/** How long a worker may take until its first tick, in milliseconds. */
const workerStartMillis = 1000;

/**
 * Sends a heartbeat for each session when nothing else was sent for an interval (rule CL4). Browsers run the timers of a
 * hidden page only once a minute. A worker has exact timers. If no worker may run, the heartbeats are marked `hidden`, and
 * the service uses a longer timeout.
 */
export function createHeartbeats(
  environment: Environment,
  connection: Connection,
  sessions: ReadonlySet<SessionCore>,
): Heartbeats {
  const { page, now, after, ticks } = environment;
  let inputAt = now();
  let cancel: (() => void) | undefined;
  let stopTicks: (() => void) | undefined;
  let unlisten: (() => void) | undefined;
  let isHidden = false;
  let isTicking = false;
  /** Whether heartbeats are marked `hidden`, so that the service uses the longer timeout. */
  const usesHiddenTimeout = () => isHidden && !isTicking;

  function sendDue(force: boolean): void {
    cancel?.();
    let due = Infinity;
    for (const { publisher } of sessions)
      due = Math.min(due, publisher.heartbeatIfDue(usesHiddenTimeout(), inputAt, force));
    if (due === Infinity) return;
    const at = Math.max(due, now() + workerStartMillis);
    cancel = after(at - now(), () => {
      if (now() - at > sleepMillis && !isHidden) connection.check();
      sendDue(false);
    });
  }

  function joined(publisher: Publisher): void {
    publisher.sent();
    // A join, and any frame but a heartbeat, makes the service use the normal timeout again, so a marked heartbeat follows.
    if (usesHiddenTimeout()) publisher.heartbeatIfDue(true, inputAt, true);
  }

  function hide(): void {
    if (isHidden || !page.hidden()) return;
    isHidden = true;
    stopTicks = ticks?.(() => {
      isTicking = true;
      sendDue(false);
    });
    // Without a worker a heartbeat is sent at once, because the next timer may fire only after a minute.
    if (stopTicks) after(workerStartMillis, () => usesHiddenTimeout() && sendDue(true));
    else sendDue(true);
  }

  function show(): void {
    const usedHiddenTimeout = usesHiddenTimeout();
    stopTicks?.();
    stopTicks = undefined;
    isHidden = isTicking = false;
    inputAt = now();
    sendDue(usedHiddenTimeout);
  }

  function onPage(event: PageEvent): void {
    if (event === 'input') inputAt = now();
    else if (event === 'hidden') hide();
    else if (event === 'visible' || event === 'restored') show();
  }

  return {
    start() {
      // A join may complete after the client was closed.
      if (connection.state === 'closed') return;
      unlisten ??= page.listen(onPage);
      hide();
      sendDue(false);
    },
    stop() {
      cancel?.();
      stopTicks?.();
      unlisten?.();
      unlisten = stopTicks = undefined;
      isHidden = isTicking = false;
    },
    touch() {
      inputAt = now();
    },
    joined,
    sent({ type, sessionId }) {
      for (const { id, publisher } of sessions) {
        if (sessionId !== id) continue;
        if (type === 'heartbeat') publisher.sent();
        else joined(publisher);
      }
    },
  };
}
