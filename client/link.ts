import type { Environment, SocketConstructor } from './environment.ts';
import { canHeal, unavailable } from './errors.ts';
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
  welcome: Welcome;
  isOpen: boolean;
  /** When the last frame came. */
  heardAt: number;
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
/**
 * Below the service's limit (20 a second, bursts of 60), so that frames which the network pushes together stay below it,
 * too: 18 a second, bursts of 50.
 */
const spacing = 1000 / 18;
const ahead = 49 * spacing;
/** Frames whose order on one connection matters to the service. */
const ordered = /^(presence_update|cursor_update|heartbeat|session_(join|leave|open))$/;
/** A close the service does not take for leaving on purpose. */
export const lostCode = 4000;

/**
 * Opens a socket and waits for the service's greeting.
 *
 * @throws RollcallError `UNAVAILABLE`, or an error with the `status` 401 or 403 where the handshake shows that.
 */
export function openLink(options: LinkOptions, { now, after }: Environment, signal: AbortSignal): Promise<Link> {
  const { onText, onSent, onLost, WebSocket } = options;
  return new Promise((resolve, reject) => {
    if (!WebSocket) throw unavailable('This place has no WebSocket; give one as the option WebSocket.', false);
    const socket = new WebSocket(options.url, options.protocols);
    const gather = createGatherer();
    const queue: Frame[] = [];
    let onTime = 0;
    let order = 0;
    let status: unknown;
    let cancelQueue: (() => void) | undefined;

    const end = () => {
      cancelTimeout();
      cancelQueue?.();
      link.isOpen = false;
      socket.onopen = socket.onmessage = socket.onclose = null;
      // Without a listener the package `ws` would throw the error of a socket that is closed before it opened.
      socket.onerror = () => {};
    };
    const fail = (message: string) => {
      if (link.welcome) return;
      link.close(lostCode);
      reject(unavailable(message));
    };
    const cancelTimeout = after(handshakeMillis, () => fail('Rollcall took too long to let you in.'));
    signal.addEventListener('abort', () => fail('This attempt to connect was given up.'));

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
      // Known before anybody is given the link.
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
      // Browsers do not tell the status of a refused handshake; the package `ws` does.
      status = /\b40[13]\b/.exec(message ?? '')?.[0];
    };
    socket.onclose = ({ code }: { code: number }) => {
      end();
      if (link.welcome) return onLost(link, code);
      const error = unavailable('Rollcall cannot be reached; check the network.');
      reject(Object.assign(error, { status: status ?? (canHeal({ code }) ? undefined : code) }));
    };
  });
}
