import type { Socket } from '../../../client/environment.ts';
import { Path } from './path.ts';

/** The parts of the browser that a socket uses. */
export interface SocketHost {
  /** Runs code in the page, at once or when the page is not frozen any more. */
  inPage(run: () => void): void;
  sent(socket: SimulatedSocket, text: string): void;
  closed(socket: SimulatedSocket, code: number): void;
}

/** The browser's side of a WebSocket. */
export class SimulatedSocket implements Socket {
  readyState = 0;
  onopen: Socket['onopen'] = null;
  onmessage: Socket['onmessage'] = null;
  onerror: Socket['onerror'] = null;
  onclose: Socket['onclose'] = null;
  readonly path = new Path();
  readonly url: string;
  readonly protocols: readonly string[];
  readonly #host: SocketHost;

  constructor(host: SocketHost, url: string, protocols: readonly string[]) {
    this.#host = host;
    this.url = url;
    this.protocols = protocols;
  }

  send(text: string): void {
    if (this.readyState !== 1) throw new Error('The socket is not open.');
    this.#host.sent(this, text);
  }

  close(code = 1005): void {
    if (this.readyState >= 2) return;
    this.readyState = 2;
    this.#host.closed(this, code);
    this.end(code);
  }

  /** The gateway accepted the handshake. */
  open(): void {
    this.#host.inPage(() => {
      if (this.readyState !== 0) return;
      this.readyState = 1;
      this.onopen?.({} as never);
    });
  }

  receive(text: string): void {
    this.#host.inPage(() => {
      if (this.readyState === 1) this.onmessage?.({ data: text } as never);
    });
  }

  /** The browser notices that the socket has ended. */
  end(code: number): void {
    this.#host.inPage(() => {
      if (this.readyState === 3) return;
      this.readyState = 3;
      if (code === 1006) this.onerror?.({} as never);
      this.onclose?.({ code } as never);
    });
  }
}
