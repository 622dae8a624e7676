import { type CompactFrame, decodeFrame } from '../protocol/compact.ts';
import { type CredentialOptions, createCredentials, leastLifeMillis } from './credentials.ts';
import type { Environment, PageEvent, SocketConstructor } from './environment.ts';
import { canHeal, RollcallError, unavailable } from './errors.ts';
import type { Frame } from './gather.ts';
import { type Link, lostCode, openLink, type Welcome } from './link.ts';
import { type ClientState, type Happening, nextState } from './machine.ts';
import { ReconnectionManager, type ReconnectionOptions } from './reconnection.ts';
import { createRequests, type Requests } from './requests.ts';

export interface ConnectionOptions extends CredentialOptions {
  format?: 'compact' | 'json' | undefined;
  WebSocket?: SocketConstructor | undefined;
  /** Hears what the client does, for a developer. */
  log?: ((message: string, detail?: unknown) => void) | undefined;
  reconnect?: Partial<Pick<ReconnectionOptions, 'maxAttempts' | 'baseDelay' | 'maxDelay'>> | undefined;
}

/** What the owner of a connection does with it. */
export interface ConnectionEvents {
  state(state: ClientState): void;
  /** The service said who this client is. */
  greeted(welcome: Welcome): void;
  error(error: RollcallError): void;
  /** Takes every session to this link; settles once all have tried. */
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
  /** Finds out within three seconds whether the socket still carries anything. */
  check(): void;
}

/** A dead socket looks open after sleep; this long it may take to prove itself. */
const checkMillis = 2500;
const tokenMillis = 10_000;

/** One connection that outlives its sockets: it reconnects after a loss and replaces a socket before that ends. */
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
  /** The socket that was replaced, until nothing more is expected on it. */
  let old: Link | undefined;
  /** While two sockets carry the same frames: which of them brought a text first. */
  let seen: Map<string, Link> | undefined;
  let cancelReplacement: (() => void) | undefined;
  let unlisten: (() => void) | undefined;
  let mayRevive = false;
  let hasMoved = false;

  function happen(happening: Happening): void {
    const before = state;
    state = nextState(state, happening);
    if (state === before) return;
    options.log?.(`The connection is ${state}.`);
    events.state(state);
  }

  function run(immediate: boolean): void {
    if (manager.running) return;
    mayRevive = false;
    const attempts = manager.reconnect(immediate);
    // The new socket may have ended again before the attempts counted as over.
    const goOn = () => state === 'waiting' && run(false);
    attempts.then(goOn, (error) => {
      const failure = error instanceof RollcallError ? error : unavailable(String(error?.message ?? error), false);
      mayRevive = canHeal(error);
      // A replacement that failed ends nothing: the present socket goes on.
      if (!link) {
        happen('gaveUp');
        requests.rejectAll(failure);
        events.refused(failure);
      }
      events.error(failure);
    });
  }

  async function connect(signal: AbortSignal): Promise<void> {
    if (!link) happen('dial');
    let next: Link | undefined;
    try {
      next = await dial(signal);
      if (link) {
        // Make before break (rule CL2): everybody sees this client on the new socket before the old one ends.
        seen = new Map();
        await events.move(next);
      }
      signal.throwIfAborted();
      if (!next.isOpen) throw unavailable('The connection was lost.');
      use(next);
    } catch (error) {
      next?.close(lostCode);
      options.log?.('An attempt to connect failed.', error);
      if (!signal.aborted && !link) happen('lost');
      throw error;
    }
  }

  async function dial(signal: AbortSignal): Promise<Link> {
    let cancel: (() => void) | undefined;
    const tooLong = new Promise<never>((_, reject) => {
      cancel = after(tokenMillis, () => reject(unavailable('token() took longer than ten seconds.')));
    });
    const { url, protocols } = await Promise.race([credentials.forHandshake(), tooLong]).finally(cancel);
    signal.throwIfAborted();
    const { WebSocket = environment.WebSocket, format = 'compact' } = options;
    const opening = { url, protocols, format, WebSocket, onText, onLost: lost, onSent: events.sent };
    try {
      const next = await openLink(opening, environment, signal);
      credentials.learnTime(next.welcome.serverTime);
      events.greeted(next.welcome);
      return next;
    } catch (error) {
      const { message, retryable } = error as RollcallError;
      const refusal = await credentials.refusal(error as object);
      if (refusal === 'stale') return dial(signal);
      // What is no RollcallError comes from the constructor of the socket, which refuses its address every time.
      throw refusal ?? unavailable(message, !!retryable);
    }
  }

  function use(next: Link): void {
    old?.close();
    old = link;
    link = next;
    happen('opened');
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

  /** Closes the replaced socket once the replies to what was sent on it have come. */
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
    // Frames of the gateway itself have no type.
    if (!frame?.type) return;
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
    happen('lost');
    events.lost(ended);
    if (canHeal({ code })) {
      run(isChecked);
      return;
    }
    happen('gaveUp');
    events.error(new RollcallError('UNAUTHENTICATED', 'Rollcall ended this connection; sign in again.'));
  }

  /** @param isChecked it was found dead, so that nothing is gained by a wait before the next attempt. */
  function drop(dead: Link, code = lostCode, isChecked = false): void {
    dead.close(code);
    lost(dead, lostCode, isChecked);
  }

  function check(): void {
    // A socket that stays silent is dropped by the requests.
    if (link) requests.ask({ type: 'ping' }, { link, millis: checkMillis }).catch(() => {});
  }

  function onPage(event: PageEvent): void {
    if (event === 'offline' && link) drop(link);
    // A clean close, because the person may be gone; if the page comes back from the cache it dials at once.
    else if (event === 'leaving' && link) drop(link, 1000);
    else if (event === 'network' || event === 'online') link ? run(true) : revive();
    else if (event === 'visible' || event === 'wake' || event === 'restored') link ? check() : revive();
  }

  /** After the last attempt failed, the network or a visible page begins anew; after `close` nothing does. */
  function revive(): void {
    if (mayRevive && state === 'closed') run(true);
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
      mayRevive = false;
      unlisten?.();
      cancelReplacement?.();
      manager.stop();
      credentials.forget();
      const closing = link;
      link?.close();
      old?.close();
      unlisten = link = old = seen = undefined;
      happen('close');
      if (closing) events.lost(closing);
      requests.rejectAll(unavailable('The client was closed; call connect() to go on.', false));
    },
  };
}
