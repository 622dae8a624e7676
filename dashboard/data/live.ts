import type { ClientState } from '../../client/client-state.ts';
import { createConnection } from '../../client/connection.ts';
import { createEnvironment } from '../../client/environment.ts';
import type { RollcallError } from '../../client/errors.ts';
import type { Link } from '../../client/link.ts';
import type { ServiceFigures } from '../../protocol/figures.ts';

export interface LiveEvents {
  state(state: ClientState): void;
  figures(figures: ServiceFigures): void;
  /** Figures may be missing: the connection is open, or the page is visible again. @param isFirst whether nothing was missed before. */
  resumed(isFirst: boolean): void;
  /** The connection ends, or the figures are refused. */
  failed(error: RollcallError): void;
}

/** The figures over the socket. */
export interface Live {
  /** Connects, or makes the next attempt at once. */
  connect(): void;
  close(): void;
}

/** The service posts figures for a minute. The page asks again after this time, in milliseconds. */
const renewMillis = 40_000;
/** After this time the page asks a busy service again, in milliseconds. */
const askAgainMillis = 3000;
/** A page on a wall has nobody who reloads it. */
const reconnect = { maxAttempts: Number.POSITIVE_INFINITY };

/** Receives the figures while the page is visible. It needs no session, so it uses only the connection of the client package. */
export function openLive(
  options: { socketUrl: string; httpUrl: string; token(): Promise<string | null> },
  events: LiveEvents,
): Live {
  const environment = createEnvironment();
  const { socketUrl: url, httpUrl, token } = options;
  let lastAt = 0;
  let isFirst = !environment.page.hidden();
  let unlisten: (() => void) | undefined;
  let timer: ReturnType<typeof setInterval> | undefined;
  let askAgain: ReturnType<typeof setTimeout> | undefined;

  const connection = createConnection({ url, httpUrl, token, reconnect }, environment, {
    state: events.state,
    error(error) {
      if (!error.retryable) events.failed(error);
    },
    move: (link) => resume(link),
    frame: ({ type, ...frame }) => {
      if (type === 'figures') take(frame['figures'] as ServiceFigures);
    },
    isUsed: () => false,
    ...{ welcomed() {}, compact() {}, sent() {}, linkLost() {}, refused() {} },
  });

  /** The same figures may arrive twice while a socket replaces another one. */
  function take(figures: ServiceFigures): void {
    if (figures.at <= lastAt) return;
    lastAt = figures.at;
    events.figures(figures);
  }

  /** @returns whether the service sends figures now. */
  async function watch(link: Link | undefined): Promise<boolean> {
    if (!link || environment.page.hidden()) return false;
    try {
      const answer = await connection.requests.ask({ type: 'figures_watch' }, { link });
      take(answer['figures'] as ServiceFigures);
      return true;
    } catch (error) {
      if ((error as RollcallError).code === 'PERMISSION_DENIED') events.failed(error as RollcallError);
      // After a lost connection, the next one asks again. A busy service may have stopped sending figures meanwhile.
      clearTimeout(askAgain);
      if ((error as RollcallError).retryable) askAgain = setTimeout(() => resume(connection.link), askAgainMillis);
      return false;
    }
  }

  async function resume(link: Link | undefined): Promise<void> {
    if (!(await watch(link))) return;
    events.resumed(isFirst);
    isFirst = false;
  }

  return {
    connect() {
      unlisten ??= environment.page.listen((event) => {
        if (event === 'hidden') isFirst = false;
        if (event === 'visible' || event === 'restored') void resume(connection.link);
      });
      timer ??= setInterval(() => void watch(connection.link), renewMillis);
      connection.connect();
    },
    close() {
      unlisten?.();
      clearInterval(timer);
      clearTimeout(askAgain);
      unlisten = timer = undefined;
      connection.close();
    },
  };
}
