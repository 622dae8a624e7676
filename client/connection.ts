import { type CompactFrame, decodeFrame } from '../protocol/compact.ts';
import { type ClientState, nextState, type StateEvent } from './client-state.ts';
import { type CredentialOptions, type Credentials, createCredentials, leastLifeMillis } from './credentials.ts';
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
  linkLost(link: Link): void;
  /** Whether a session is joined on this link. */
  isUsed(link: Link): boolean;
  refused(error: RollcallError): void;
}

export interface Connection {
  readonly state: ClientState;
  /** The socket in use; undefined while there is none. */
  readonly link: Link | undefined;
  readonly requests: Requests;
  readonly credentials: Credentials;
  connect(): void;
  /** Connects as the user of a new token. A guest's socket is closed after each session is joined as the user. */
  signIn(): Promise<void>;
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
  /** The replaced sockets, each until all replies on it have arrived and no session is joined on it. */
  const replaced = new Set<Link>();
  /** While two sockets are open and get the same frames: the socket on which each text arrived first. */
  let seen: Map<string, Link> | undefined;
  let cancelReplacement: (() => void) | undefined;
  let unlisten: (() => void) | undefined;
  /** All open sockets, the newest first. */
  const links = () => (link ? [link, ...replaced] : [...replaced]);
  let mayReconnect = false;
  let hasMoved = false;

  function transition(event: StateEvent): void {
    const before = state;
    state = nextState(state, event);
    if (state === before) return;
    options.log?.(`The connection is ${state}.`);
    events.state(state);
  }

  function run(immediate: boolean): Promise<void> {
    if (manager.running) return Promise.resolve();
    mayReconnect = false;
    const attempts = manager.reconnect(immediate);
    // The new socket may already have ended before this promise resolved.
    const goOn = () => void (state === 'waiting' && run(false));
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
    return attempts;
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
      // Sessions may be joined on it already.
      if (next) drop(next);
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
    if (link) replaced.add(link);
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

  /** Closes the replaced sockets that nothing needs any more. */
  function retire(): void {
    for (const old of replaced) if (hasMoved && !requests.isPendingOn(old) && !events.isUsed(old)) drop(old, 1000);
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
    if (!frame) return;
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
    if (replaced.delete(ended) && !replaced.size) seen = undefined;
    requests.linkLost(ended);
    if (ended !== link) {
      events.linkLost(ended);
      return;
    }
    link = undefined;
    cancelReplacement?.();
    transition('lost');
    events.linkLost(ended);
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
    // A clean close if the user may have left; a page from the back-forward cache connects again at once.
    const code = event === 'leaving' ? 1000 : lostCode;
    if (event === 'offline' || event === 'leaving') for (const each of links()) drop(each, code);
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
    credentials,
    check,
    connect() {
      unlisten ??= page.listen(onPage);
      if (manager.running) manager.tryNow();
      else if (!link) run(true);
    },
    async signIn() {
      const { mayBeGuest } = credentials;
      credentials.mayBeGuest = false;
      credentials.forget();
      unlisten ??= page.listen(onPage);
      manager.stop();
      try {
        await run(true);
      } catch (error) {
        credentials.mayBeGuest = mayBeGuest;
        throw error;
      }
    },
    close() {
      mayReconnect = false;
      unlisten?.();
      cancelReplacement?.();
      manager.stop();
      credentials.forget();
      const closing = links();
      for (const each of closing) each.close();
      replaced.clear();
      unlisten = link = seen = undefined;
      transition('close');
      for (const each of closing) events.linkLost(each);
      requests.rejectAll(unavailable('The client was closed; call connect() again.', false));
    },
  };
}
