import type { Connection } from './connection.ts';
import type { Environment, PageEvent } from './environment.ts';
import type { Frame } from './gather.ts';
import type { SessionCore } from './session.ts';

/** The heartbeats of all sessions. */
export interface Beats {
  /** Begins, or looks again when the next one is due. */
  start(): void;
  stop(): void;
  /** The person did something. */
  touch(): void;
  /** A frame went out. */
  sent(frame: Frame): void;
}

/** A timer that fires so much too late shows that the machine slept or the page was frozen. */
const sleptMillis = 5000;
/** How long a worker may take to show that it runs. */
const proofMillis = 1000;

/**
 * Sends a heartbeat for each session when nothing else was sent for an interval (rule CL4). Browsers wake the timers of a
 * hidden page once a minute. There a worker keeps the time; where none may run, the heartbeats say `hidden`, and the
 * service waits longer for the next one.
 */
export function createBeats(
  environment: Environment,
  connection: Connection,
  sessions: ReadonlySet<SessionCore>,
): Beats {
  const { page, now, after, ticks } = environment;
  let inputAt = now();
  let cancel: (() => void) | undefined;
  let stopTicks: (() => void) | undefined;
  let unlisten: (() => void) | undefined;
  let isHidden = false;
  let isTicking = false;
  /** Whether the service was told that timers are slow. */
  const isLeased = () => isHidden && !isTicking;

  function beatAll(force: boolean): void {
    cancel?.();
    let due = Infinity;
    for (const { teller } of sessions) due = Math.min(due, teller.beat(isLeased(), inputAt, force));
    if (due === Infinity) return;
    const at = Math.max(due, now() + proofMillis);
    cancel = after(at - now(), () => {
      if (now() - at > sleptMillis && !isHidden) connection.check();
      beatAll(false);
    });
  }

  function hide(): void {
    if (isHidden || !page.hidden()) return;
    isHidden = true;
    stopTicks = ticks?.(() => {
      isTicking = true;
      beatAll(false);
    });
    // Without a worker the service is told at once, because the next timer may be a minute away.
    if (stopTicks) after(proofMillis, () => isLeased() && beatAll(true));
    else beatAll(true);
  }

  function show(): void {
    const wasLeased = isLeased();
    stopTicks?.();
    stopTicks = undefined;
    isHidden = isTicking = false;
    inputAt = now();
    beatAll(wasLeased);
  }

  function onPage(event: PageEvent): void {
    if (event === 'input') inputAt = now();
    else if (event === 'hidden') hide();
    else if (event === 'visible' || event === 'restored') show();
  }

  return {
    start() {
      // A join that is still under way ends after the client was closed.
      if (connection.state === 'closed') return;
      unlisten ??= page.listen(onPage);
      hide();
      beatAll(false);
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
    sent({ type, sessionId }) {
      for (const { id, teller } of sessions) {
        if (sessionId && sessionId !== id) continue;
        teller.sent();
        // Any other frame ends the longer wait.
        if (isLeased() && type !== 'heartbeat') teller.beat(true, inputAt, true);
      }
    },
  };
}
