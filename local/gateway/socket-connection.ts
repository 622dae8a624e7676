import type { WebSocket } from 'ws';
import { maximumFrameBytes } from './frame-meter.ts';
import { gatewayId } from './identifiers.ts';

/** How a connection ended, in the words `$disconnect` hears. */
export interface Ending {
  code: number;
  reason: string;
}

/** A receiver that takes nothing is given up once this much waits for it. */
const maximumBufferedBytes = 16 * 1024 * 1024;
/** With so many messages of a client under way no more are read from its socket, so that TCP holds it back. */
const mostUnderWay = 64;
/** A client has this long to answer a close frame before its socket is cut. */
const closePatienceMillis = 2000;

/** One client of the gateway. It has its id before `$connect` runs, and a socket once that succeeded. */
export class SocketConnection {
  readonly id = gatewayId();
  readonly connectedAt: number;
  readonly sourceIp: string;
  readonly userAgent: string | undefined;
  /** What the authorizer said; it goes with every event. */
  authorizer: Record<string, unknown> | undefined;
  lastActiveAt: number;
  #lastReceivedAt = 0;
  #socket: WebSocket | undefined;
  #ending: Ending | undefined;
  #underWay = 0;

  constructor(now: number, sourceIp: string, userAgent: string | undefined) {
    this.connectedAt = now;
    this.lastActiveAt = now;
    this.sourceIp = sourceIp;
    this.userAgent = userAgent;
  }

  /** Whether frames may be posted to it: from the success of `$connect` to the beginning of its end. */
  get isOpen(): boolean {
    return this.#socket !== undefined && this.#ending === undefined && this.#socket.readyState === this.#socket.OPEN;
  }

  /** Why the gateway itself began to close the connection, if it did. */
  get ending(): Ending | undefined {
    return this.#ending;
  }

  /** The time of a received message, later than that of every message before it on this connection, Unix milliseconds. */
  receivedAt(now: number): number {
    this.#lastReceivedAt = Math.max(now, this.#lastReceivedAt + 1);
    return this.#lastReceivedAt;
  }

  attach(socket: WebSocket): void {
    this.#socket = socket;
  }

  /** Sends a text message, in frames of at most 32 KB. */
  send(text: string | Buffer, now: number): void {
    const socket = this.#socket;
    if (!socket || !this.isOpen) return;
    this.lastActiveAt = now;
    if (socket.bufferedAmount > maximumBufferedBytes) {
      socket.terminate();
      return;
    }
    const data = typeof text === 'string' ? Buffer.from(text) : text;
    for (let from = 0; from === 0 || from < data.length; from += maximumFrameBytes) {
      const piece = data.length > maximumFrameBytes ? data.subarray(from, from + maximumFrameBytes) : data;
      socket.send(piece, { binary: false, fin: from + maximumFrameBytes >= data.length });
    }
  }

  /** Follows one of its messages to the end of its function's work. */
  async follow(message: Promise<void>): Promise<void> {
    this.#underWay += 1;
    if (this.#underWay === mostUnderWay) this.#socket?.pause();
    await message;
    this.#underWay -= 1;
    if (this.#underWay === mostUnderWay - 1) this.#socket?.resume();
  }

  /** Begins the end from this side; the first call decides code and reason. */
  close(code: number, reason: string): void {
    const socket = this.#socket;
    if (this.#ending || !socket) return;
    this.#ending = { code, reason };
    socket.close(code, reason);
    const insist = setTimeout(() => socket.terminate(), closePatienceMillis);
    socket.once('close', () => clearTimeout(insist));
  }
}
