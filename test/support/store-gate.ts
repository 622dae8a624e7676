import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';

/** A TCP proxy before a store. A test can close it: then connections break and new ones are refused. */
export class StoreGate {
  readonly #sockets = new Set<Socket>();
  #target: URL;
  #server: Server | undefined;
  #port = 0;

  /** @param target URL of the store. */
  constructor(target: string) {
    this.#target = new URL(target);
  }

  /** The URL of the store through the gate. */
  get url(): string {
    const url = new URL(this.#target);
    url.host = `127.0.0.1:${this.#port}`;
    return url.href;
  }

  /** Leads later connections to another server. */
  leadTo(target: string): void {
    this.#target = new URL(target);
  }

  async open(): Promise<void> {
    this.#server = createServer((inner) => this.#join(inner)).listen(this.#port, '127.0.0.1');
    await once(this.#server, 'listening');
    this.#port = (this.#server.address() as AddressInfo).port;
  }

  async shut(): Promise<void> {
    const closed = this.#server && once(this.#server, 'close');
    this.#server?.close();
    for (const socket of this.#sockets) socket.destroy();
    await closed;
    this.#server = undefined;
  }

  #join(inner: Socket): void {
    const outer = connect(Number(this.#target.port), this.#target.hostname);
    for (const [socket, other] of [
      [inner, outer],
      [outer, inner],
    ] as const) {
      this.#sockets.add(socket);
      socket.on('error', () => {});
      socket.on('close', () => {
        this.#sockets.delete(socket);
        other.destroy();
      });
      socket.pipe(other);
    }
  }
}
