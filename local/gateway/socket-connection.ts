import type { WebSocket } from 'ws';
import { maximumFrameBytes } from './frame-meter.ts';
import { gatewayId } from './identifiers.ts';

/** How a connection ended, as the `$disconnect` event reports it. */
export interface Ending {
  code: number;
  reason: string;
}

/** A receiver with more unsent bytes than this is disconnected. */
const maximumBufferedBytes = 16 * 1024 * 1024;
/** With this many messages of a client in progress, its socket is paused, so that TCP flow control slows the client. */
const maximumInProgress = 64;
/** The time in which a client must answer a close frame before its socket is destroyed. */
const closeTimeoutMillis = 2000;

/** One client of the gateway. It has an id before `$connect` runs, and a socket after `$connect` succeeded. */
export class SocketConnection {
  readonly id = gatewayId();
  readonly connectedAt: number;
  readonly sourceIp: string;
  readonly userAgent: string | undefined;
  /** The context from the authorizer, part of all events. */
  authorizer: Record<string, unknown> | undefined;
  lastActiveAt: number;
  #socket: WebSocket | undefined;
  #ending: Ending | undefined;
  #inProgress = 0;

  constructor(now: number, sourceIp: string, userAgent: string | undefined) {
    this.connectedAt = now;
    this.lastActiveAt = now;
    this.sourceIp = sourceIp;
    this.userAgent = userAgent;
  }

  /** Whether frames can be posted to it: from the success of `$connect` until it begins to close. */
  get isOpen(): boolean {
    return this.#socket !== undefined && this.#ending === undefined && this.#socket.readyState === this.#socket.OPEN;
  }

  /** Why the gateway closes the connection, if it does. */
  get ending(): Ending | undefined {
    return this.#ending;
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

  /** Counts a message as in progress until its function has finished. */
  async trackMessage(message: Promise<void>): Promise<void> {
    this.#inProgress += 1;
    if (this.#inProgress === maximumInProgress) this.#socket?.pause();
    await message;
    this.#inProgress -= 1;
    if (this.#inProgress === maximumInProgress - 1) this.#socket?.resume();
  }

  /** Notes the code with which the library closes the connection by itself, if any. */
  noteClosing(code: number | undefined): void {
    if (code !== undefined) this.#ending ??= { code, reason: '' };
  }

  /** Starts to close the connection. The first call sets the code and reason. */
  close(code: number, reason: string): void {
    const socket = this.#socket;
    if (this.#ending || !socket) return;
    this.#ending = { code, reason };
    socket.close(code, reason);
    const terminateTimer = setTimeout(() => socket.terminate(), closeTimeoutMillis);
    socket.once('close', () => clearTimeout(terminateTimer));
  }
}
