import { subprotocol } from '../protocol/frames.ts';
import { limits } from '../protocol/limits.ts';
import type { Environment, SocketConstructor } from './environment.ts';
import { canHeal, type RollcallError, unavailable } from './errors.ts';
import { createGatherer, type Frame } from './gather.ts';

/** What `welcome` tells. Seconds where the name says so. */
export interface Welcome {
  userId: string;
  username: string;
  heartbeatSeconds: number;
  batchMillis: number;
  rolloverSeconds: number;
  serverTime: number;
}

/** One socket on which the service has greeted this client. */
export interface Link {
  readonly welcome: Welcome;
  readonly isOpen: boolean;
  /** When the last frame came. */
  readonly heardAt: number;
  /** Milliseconds until a frame would be sent at once; 0: now. */
  wait(): number;
  /** Sends a frame as soon as the rate limit allows. */
  send(frame: Frame): void;
  /** Closes without waiting for the other end. 1000 tells that the person left on purpose; else the longer grace holds. */
  close(code?: number): void;
}

export interface LinkOptions {
  url: string;
  protocols: string[];
  format: string;
  WebSocket: SocketConstructor | undefined;
  /** Each frame after the greeting; gathers parts of this socket only. */
  onText: (text: string, link: Link, gather: (frame: Frame) => Frame | undefined) => void;
  /** Each frame that really went out. */
  onSent: (frame: Frame) => void;
  /** The socket ended after the greeting, and not by `close`. */
  onLost: (link: Link, code: number) => void;
}

/** How long a handshake with its greeting may take. */
const handshakeMillis = 10_000;
/** Below the service's limit, so that frames which the network pushes together stay below it, too. */
const spacing = 1000 / (limits.messagesPerSecond - 2);
const burst = limits.messageBurst - 10;
/** Frames whose order on one connection matters to the service. */
const ordered = /^(presence_update|cursor_update|heartbeat|session_(join|leave|open))$/;
/** A close the service does not take for leaving on purpose. */
export const lostCode = 4000;

/**
 * Opens a socket and waits for the service's greeting.
 *
 * @throws RollcallError `UNAVAILABLE`, or an error with the `status` 401 or 403 where the handshake shows that.
 */
export function openLink(options: LinkOptions, environment: Environment, signal: AbortSignal): Promise<Link> {
  const { now, after } = environment;
  const { onText, onSent, onLost, WebSocket } = options;
  return new Promise((resolve, reject) => {
    if (!WebSocket) throw unavailable('This place has no WebSocket; give one as the option WebSocket.', false);
    const socket = new WebSocket(options.url, options.protocols);
    const gather = createGatherer();
    const queue: Frame[] = [];
    let onTime = 0;
    let order = 0;
    let heardAt = now();
    let status: unknown;
    let welcome: Welcome | undefined;
    let cancelQueue: (() => void) | undefined;

    const end = (code: number | undefined) => {
      cancelTimeout();
      cancelQueue?.();
      signal.removeEventListener('abort', abort);
      socket.onopen = socket.onmessage = socket.onclose = null;
      // Without a listener the package `ws` would throw the error of a socket that is closed before it opened.
      socket.onerror = () => {};
      if (code !== undefined) socket.close(code);
    };
    const fail = (error: RollcallError) => {
      end(lostCode);
      reject(error);
    };
    const abort = () => fail(unavailable('This attempt to connect was given up.'));
    const cancelTimeout = after(handshakeMillis, () => fail(unavailable('Rollcall took too long to let you in.')));
    signal.addEventListener('abort', abort);

    const write = (frame: Frame) => {
      if (socket.readyState !== 1) return;
      onTime = Math.max(now(), onTime) + spacing;
      socket.send(JSON.stringify(ordered.test(frame.type) ? { ...frame, order: ++order } : frame));
      onSent(frame);
    };
    const tooEarly = () => Math.max(0, onTime - now() - (burst - 1) * spacing);
    const drain = () => {
      cancelQueue = undefined;
      while (queue.length > 0 && tooEarly() === 0) write(queue.shift()!);
      if (queue.length > 0) cancelQueue = after(tooEarly(), drain);
    };
    const link: Link = {
      get welcome() {
        return welcome!;
      },
      get isOpen() {
        return socket.onclose !== null && socket.readyState === 1;
      },
      get heardAt() {
        return heardAt;
      },
      wait: () => tooEarly() + queue.length * spacing,
      send(frame) {
        queue.push(frame);
        if (!cancelQueue) drain();
      },
      close: (code = 1000) => end(code),
    };

    socket.onopen = () => {
      socket.send(JSON.stringify({ type: 'hello', requestId: 'hello', client: 'rollcall', format: options.format }));
    };
    socket.onmessage = ({ data }: { data: unknown }) => {
      heardAt = now();
      const text = String(data);
      if (welcome) return text && onText(text, link, gather);
      const frame = text.startsWith('{') ? JSON.parse(text) : {};
      if (frame.requestId !== 'hello') return;
      if (frame.type !== 'welcome') return fail(unavailable(frame.message));
      welcome = frame;
      cancelTimeout();
      signal.removeEventListener('abort', abort);
      resolve(link);
    };
    socket.onerror = ({ message }: { message?: string }) => {
      // Browsers do not tell the status of a refused handshake; the package `ws` does.
      status = /\b40[13]\b/.exec(message ?? '')?.[0];
    };
    socket.onclose = ({ code }: { code: number }) => {
      end(undefined);
      if (welcome) return onLost(link, code);
      const error = unavailable('Rollcall cannot be reached; check the network.');
      reject(Object.assign(error, { status: status ?? (canHeal({ code }) ? undefined : code) }));
    };
  });
}

/** What a client says that it speaks. */
export { subprotocol };
