import type { Environment, SocketConstructor } from './environment.ts';
import { isRetryable, unavailable } from './errors.ts';
import { createGatherer, type Frame } from './gather.ts';

/** The frame `welcome`. Names say their units. */
export interface Welcome {
  userId: string;
  username: string;
  heartbeatSeconds: number;
  batchMillis: number;
  rolloverSeconds: number;
  serverTime: number;
}

/** One socket on which `welcome` has arrived. */
export interface Link {
  welcome: Welcome;
  isOpen: boolean;
  /** When the last frame arrived, in Unix milliseconds. */
  heardAt: number;
  /** Milliseconds that a frame would wait because of the rate limit; 0: none. */
  wait(): number;
  /** Sends a frame as soon as the rate limit allows. */
  send(frame: Frame): void;
  /** Closes without waiting for the service. With the code 1000 (the default) the short grace begins, with others the long one. */
  close(code?: number): void;
}

export interface LinkOptions {
  url: string;
  protocols: string[];
  format: string;
  WebSocket: SocketConstructor | undefined;
  /** Called with each frame after `welcome`; `gather` reassembles the parts of this socket. */
  onText: (text: string, link: Link, gather: (frame: Frame) => Frame | undefined) => void;
  /** Called with each frame when it is sent. */
  onSent: (frame: Frame) => void;
  /** The socket ended after `welcome`, and not by `close`. */
  onLost: (link: Link, code: number) => void;
}

/** How long a handshake may take until `welcome`, in milliseconds. */
const handshakeMillis = 10_000;
/**
 * 18 frames per second with bursts of 50. That is less than the limit of the service (20 per second, bursts of 60), because the
 * network may deliver frames closer together than they were sent.
 */
const spacing = 1000 / 18;
const ahead = 49 * spacing;
/** The types of frames that carry `order` (rule PR18). */
const ordered = /^(presence_update|cursor_update|heartbeat|session_(join|leave|open))$/;
/** The close code for a lost socket: the service then uses the long grace. */
export const lostCode = 4000;

/**
 * Opens a socket and waits for `welcome`.
 *
 * @throws RollcallError `UNAVAILABLE`; the error has the `status` 401 or 403 if the handshake shows it.
 */
export function openLink(options: LinkOptions, { now, after }: Environment, signal: AbortSignal): Promise<Link> {
  const { onText, onSent, onLost, WebSocket } = options;
  return new Promise((resolve, reject) => {
    if (!WebSocket) throw unavailable('This platform has no WebSocket; set the option WebSocket.', false);
    const socket = new WebSocket(options.url, options.protocols);
    const gather = createGatherer();
    const queue: Frame[] = [];
    let onTime = 0;
    let order = 0;
    let status: unknown;
    let cause = 'Rollcall cannot be reached; check the network.';
    let cancelQueue: (() => void) | undefined;

    const end = () => {
      cancelTimeout();
      cancelQueue?.();
      link.isOpen = false;
      socket.onopen = socket.onmessage = socket.onclose = null;
      // Without a listener, the package `ws` would throw if a socket is closed before it opened.
      socket.onerror = () => {};
    };
    const fail = (message: string) => {
      if (link.welcome) return;
      link.close(lostCode);
      reject(unavailable(message));
    };
    const cancelTimeout = after(handshakeMillis, () => fail('Rollcall took too long to connect.'));
    signal.addEventListener('abort', () => fail('This attempt was canceled.'));

    const tooEarly = () => Math.max(0, onTime - now() - ahead);
    const drain = () => {
      cancelQueue = undefined;
      while (queue[0] && !tooEarly() && socket.readyState === 1) {
        const frame = queue.shift()!;
        onTime = Math.max(now(), onTime) + spacing;
        if (ordered.test(frame.type)) order += 1;
        socket.send(JSON.stringify(ordered.test(frame.type) ? { ...frame, order } : frame));
        onSent(frame);
      }
      if (queue[0]) cancelQueue = after(tooEarly(), drain);
    };
    const link: Link = {
      // Set before the link is returned.
      welcome: undefined as unknown as Welcome,
      isOpen: true,
      heardAt: now(),
      wait: () => tooEarly() + queue.length * spacing,
      send(frame) {
        queue.push(frame);
        if (!cancelQueue) drain();
      },
      close(code = 1000) {
        end();
        socket.close(code);
      },
    };

    socket.onopen = () => {
      socket.send(JSON.stringify({ type: 'hello', requestId: 'hello', client: 'rollcall', format: options.format }));
    };
    socket.onmessage = ({ data }: { data: unknown }) => {
      link.heardAt = now();
      const text = String(data);
      if (!text) return;
      if (link.welcome) return onText(text, link, gather);
      const frame = JSON.parse(text);
      if (frame.type !== 'welcome') return fail(frame.message);
      link.welcome = frame;
      cancelTimeout();
      resolve(link);
    };
    socket.onerror = ({ message }: { message?: string }) => {
      // Browsers hide the status of a refused handshake; the package `ws` reports it.
      status = /\b40[13]\b/.exec(message ?? '')?.[0];
      if (/\b429\b/.test(message ?? '')) cause = 'Too many connections are open; close some and try again.';
    };
    socket.onclose = ({ code }: { code: number }) => {
      end();
      if (link.welcome) return onLost(link, code);
      const error = unavailable(cause);
      reject(Object.assign(error, { status: status ?? (isRetryable({ code }) ? undefined : code) }));
    };
  });
}
