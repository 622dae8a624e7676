import WebSocket from 'ws';
import {
  createEnvironment,
  type Environment,
  type PageEvent,
  type SocketConstructor,
} from '../../client/environment.ts';

/**
 * The real environment of a client in Node.js, with real sockets and timers. Tests cut its network, freeze it and tell it
 * what a page would tell it.
 */
export class DisturbedDevice {
  /** Handshakes begun. */
  dials = 0;
  /** Frames that the client sent over a network that was not cut, in order. */
  readonly sent: Record<string, unknown>[] = [];
  readonly environment: Environment;
  readonly #listeners = new Set<(event: PageEvent) => void>();
  readonly #sockets = new Set<WebSocket>();
  readonly #held: (() => void)[] = [];
  #isCut = false;
  #isFrozen = false;
  #isOffline = false;

  constructor() {
    const device = this;
    class Tracked extends WebSocket {
      /** Whether the network still carries this socket. */
      isAlive = true;
      constructor(url: string, protocols?: string[]) {
        super(url, protocols);
        device.dials += 1;
        device.#sockets.add(this);
        if (device.#isCut) this.isAlive = false;
      }
      override send(text: string): void {
        if (!this.isAlive) return;
        device.sent.push(JSON.parse(text));
        super.send(text);
      }
      override close(code?: number): void {
        // A close frame does not pass a network that is cut.
        if (this.isAlive) super.close(code);
      }
      override emit(event: string, ...values: unknown[]): boolean {
        if (!this.isAlive && event !== 'error') return false;
        device.#inPage(() => super.emit(event, ...values));
        return true;
      }
    }
    const real = createEnvironment();
    this.environment = {
      ...real,
      after: (millis, run) => real.after(millis, () => this.#inPage(run)),
      WebSocket: Tracked as unknown as SocketConstructor,
      page: {
        hidden: () => false,
        offline: () => this.#isOffline,
        listen: (listener) => {
          this.#listeners.add(listener);
          return () => void this.#listeners.delete(listener);
        },
      },
    };
  }

  tell(event: PageEvent): void {
    for (const listener of [...this.#listeners]) listener(event);
  }

  /** The sockets carry nothing more, and neither end is told. With `tells` the page gets `offline`. */
  cut({ tells }: { tells: boolean }): void {
    this.#isCut = true;
    for (const socket of this.#sockets) (socket as WebSocket & { isAlive: boolean }).isAlive = false;
    if (!tells) return;
    this.#isOffline = true;
    this.tell('offline');
  }

  /** New sockets work again. */
  restore(): void {
    this.#isCut = false;
    if (!this.#isOffline) return;
    this.#isOffline = false;
    this.tell('online');
  }

  /** Nothing of the page runs, as in a machine that sleeps. */
  freeze(): void {
    this.#isFrozen = true;
  }

  wake(): void {
    this.#isFrozen = false;
    this.tell('wake');
    for (const run of this.#held.splice(0)) run();
  }

  /** Each socket breaks without a close. */
  breakSockets(): void {
    for (const socket of this.#sockets) socket.terminate();
    this.#sockets.clear();
  }

  framesOf(type: string): Record<string, unknown>[] {
    return this.sent.filter((frame) => frame['type'] === type);
  }

  /** Destroys what a cut left open, so that the test process can end. */
  close(): void {
    for (const socket of this.#sockets) {
      (socket as WebSocket & { isAlive: boolean }).isAlive = true;
      socket.terminate();
    }
  }

  #inPage(run: () => void): void {
    if (this.#isFrozen) this.#held.push(run);
    else run();
  }
}
