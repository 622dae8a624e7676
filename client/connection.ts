import { type CompactFrame, decodeFrame } from '../protocol/compact.ts';
import { type ClientState, nextState, type StateEvent } from './client-state.ts';
import { type CredentialOptions, createCredentials, leastLifeMillis } from './credentials.ts';
import type { Environment, PageEvent, SocketConstructor } from './environment.ts';
import { isRetryable, RollcallError, unavailable } from './errors.ts';
import type { Frame } from './gather.ts';
import { type Link, lostCode, openLink, type Welcome } from './link.ts';
import { ReconnectionManager, type ReconnectionOptions } from './reconnection.ts';
import { createRequests, type Requests } from './requests.ts';
import { inTime } from './timers.ts';

export interface ConnectionOptions extends CredentialOptions {
  format?: 'compact' | 'json' | undefined;
  WebSocket?: SocketConstructor | undefined;
  /** Called with messages about what the client does, for debugging. */
  log?: ((message: string, detail?: unknown) => void) | undefined;
  reconnect?: Partial<Pick<ReconnectionOptions, 'maxAttempts' | 'baseDelay' | 'maxDelay'>> | undefined;
}

/** What a connection calls in its owner. */
export interface ConnectionEvents {
  state(state: ClientState): void;
  /** The service sent `welcome`. */
  welcomed(welcome: Welcome): void;
  error(error: RollcallError): void;
  /** Joins each session on this link; settles when all have tried. */
  move(link: Link): Promise<unknown>;
  frame(frame: Frame): void;
  compact(frame: CompactFrame): void;
  sent(frame: Frame): void;
  lost(link: Link): void;
  refused(error: RollcallError): void;
}

export interface Connection {
  readonly state: ClientState;
  /** The socket in use; undefined while there is none. */
  readonly link: Link | undefined;
  readonly requests: Requests;
  connect(): void;
  close(): void;
  /** Tests within three seconds whether the socket still works. */
  check(): void;
}

/** A dead socket looks open after sleep. It must answer a ping within this time, in milliseconds. */
const checkMillis = 2500;
const tokenMillis = 10_000;

/** A connection over successive sockets: it reconnects after a loss and replaces each socket before the service closes it. */
export function createConnection(
  options: ConnectionOptions,
  environment: Environment,
  events: ConnectionEvents,
): Connection {
  const { page, after } = environment;
  const credentials = createCredentials(options, environment);
  const requests = createRequests(
    environment,
    () => link,
    (silent) => drop(silent, lostCode, true),
  );
  const manager = new ReconnectionManager({ ...options.reconnect, connect }, environment);
  let state: ClientState = 'idle';
  let link: Link | undefined;
  /** The replaced socket, until all replies on it have arrived. */
  let old: Link | undefined;
  /** While two sockets are open and get the same frames: the socket on which each text arrived first. */
  let seen: Map<string, Link> | undefined;
  let cancelReplacement: (() => void) | undefined;
  let unlisten: (() => void) | undefined;
  let mayReconnect = false;
  let hasMoved = false;

  function transition(event: StateEvent): void {
    const before = state;
    state = nextState(state, event);
    if (state === before) return;
    options.log?.(`The connection is ${state}.`);
    events.state(state);
  }

  function run(immediate: boolean): void {
    if (manager.running) return;
    mayReconnect = false;
    const attempts = manager.reconnect(immediate);
    // The new socket may already have ended before this promise resolved.
    const goOn = () => state === 'waiting' && run(false);
    attempts.then(goOn, (error) => {
      const failure = error instanceof RollcallError ? error : unavailable(String(error?.message ?? error), false);
      mayReconnect = isRetryable(error);
      // If a replacement failed, the present socket stays in use.
      if (!link) {
        transition('gaveUp');
        requests.rejectAll(failure);
        events.refused(failure);
      }
      events.error(failure);
    });
  }

  async function connect(signal: AbortSignal): Promise<void> {
    if (!link) transition('dial');
    let next: Link | undefined;
    try {
      next = await dial(signal);
      if (link) {
        // Make before break (rule CL2): the new socket joins all sessions before the old one is closed.
        seen = new Map();
        await events.move(next);
      }
      signal.throwIfAborted();
      if (!next.isOpen) throw unavailable('The connection was lost.');
      use(next);
    } catch (error) {
      next?.close(lostCode);
      options.log?.('An attempt to connect failed.', error);
      if (!signal.aborted && !link) transition('lost');
      throw error;
    }
  }

  async function dial(signal: AbortSignal): Promise<Link> {
    const tooLong = unavailable('token() took longer than ten seconds.');
    const { url, protocols } = await inTime(environment, tokenMillis, credentials.forHandshake(), tooLong);
    signal.throwIfAborted();
    const { WebSocket = environment.WebSocket, format = 'compact' } = options;
    const opening = { url, protocols, format, WebSocket, onText, onLost: lost, onSent: events.sent };
    try {
      const next = await openLink(opening, environment, signal);
      credentials.learnTime(next.welcome.serverTime);
      events.welcomed(next.welcome);
      return next;
    } catch (error) {
      const { message, retryable } = error as RollcallError;
      const refusal = await credentials.refusal(error as object);
      if (refusal === 'stale') return dial(signal);
      // Another error comes from the constructor of the socket, which will refuse the address again.
      throw refusal ?? unavailable(message, !!retryable);
    }
  }

  function use(next: Link): void {
    old?.close();
    old = link;
    link = next;
    transition('opened');
    const life = credentials.life();
    const { rolloverSeconds } = next.welcome;
    const lifeMillis = life === undefined ? Infinity : Math.max(life - leastLifeMillis, life / 2, 5000);
    cancelReplacement?.();
    cancelReplacement = after(Math.min(rolloverSeconds * 1000, lifeMillis), () => run(true));
    requests.flush();
    hasMoved = false;
    void events.move(next).then(() => {
      hasMoved = true;
      retire();
    });
  }

  /** Closes the replaced socket when all replies on it have arrived. */
  function retire(): void {
    if (!old || !hasMoved || requests.isPendingOn(old)) return;
    old.close();
    old = seen = undefined;
  }

  function onText(text: string, from: Link, gather: (frame: Frame) => Frame | undefined): void {
    if (seen) {
      const first = seen.get(text);
      if (first && first !== from) return;
      seen.set(text, from);
    }
    const compact = decodeFrame(text);
    if (compact) {
      events.compact(compact);
      return;
    }
    const frame = gather(JSON.parse(text));
    // Frames that API Gateway itself sends have no type.
    if (!frame?.type) return;
    // The token has expired, so the service ignored the frame. A new socket uses a new token.
    if (frame['code'] === 'UNAUTHENTICATED') {
      drop(from);
      return;
    }
    const isAnswer = frame.requestId !== undefined && requests.answer(frame);
    if (!isAnswer || frame['code'] === 'NOT_IN_SESSION') events.frame(frame);
    retire();
  }

  function lost(ended: Link, code = lostCode, isChecked = false): void {
    if (ended === old) old = seen = undefined;
    requests.lost(ended);
    if (ended !== link) {
      events.lost(ended);
      return;
    }
    link = undefined;
    cancelReplacement?.();
    transition('lost');
    events.lost(ended);
    if (isRetryable({ code })) {
      run(isChecked);
      return;
    }
    transition('gaveUp');
    events.error(new RollcallError('UNAUTHENTICATED', 'Rollcall ended this connection; sign in again.'));
  }

  /** @param isChecked whether the socket was found dead; then the first attempt is made without a wait. */
  function drop(dead: Link, code = lostCode, isChecked = false): void {
    dead.close(code);
    lost(dead, lostCode, isChecked);
  }

  function check(): void {
    // If no answer comes, the requests report the socket as silent, and it is dropped.
    if (link) requests.ask({ type: 'ping' }, { link, millis: checkMillis }).catch(() => {});
  }

  function onPage(event: PageEvent): void {
    if (event === 'offline' && link) drop(link);
    // A clean close, because the user may have left; a page from the back-forward cache connects again at once.
    else if (event === 'leaving' && link) drop(link, 1000);
    else if (event === 'network' || event === 'online') link ? run(true) : reconnectIfAllowed();
    else if (event === 'visible' || event === 'wake' || event === 'restored') link ? check() : reconnectIfAllowed();
  }

  /** Starts new attempts after the last one failed, but not after `close`. */
  function reconnectIfAllowed(): void {
    if (mayReconnect && state === 'closed') run(true);
  }

  return {
    get state() {
      return state;
    },
    get link() {
      return link;
    },
    requests,
    check,
    connect() {
      unlisten ??= page.listen(onPage);
      if (manager.running) manager.tryNow();
      else if (!link) run(true);
    },
    close() {
      mayReconnect = false;
      unlisten?.();
      cancelReplacement?.();
      manager.stop();
      credentials.forget();
      const closing = link;
      link?.close();
      old?.close();
      unlisten = link = old = seen = undefined;
      transition('close');
      if (closing) events.lost(closing);
      requests.rejectAll(unavailable('The client was closed; call connect() again.', false));
    },
  };
}
