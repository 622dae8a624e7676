import WebSocket from 'ws';
import type { ServerFrame, ServerFrameType } from '../../protocol/frames.ts';
import { bearerPrefix, subprotocol } from '../../protocol/frames.ts';
import type { SmokeOptions } from './options.ts';

type Frame<T extends ServerFrameType> = ServerFrame<T>;

/** A connection to the deployment. Frames that nobody waits for are kept. */
export class SmokeSocket {
  readonly #socket: WebSocket;
  readonly #patienceMillis: number;
  readonly #frames: ServerFrame[] = [];
  readonly #waiting = new Set<() => void>();
  #requests = 0;

  private constructor(socket: WebSocket, patienceMillis: number) {
    this.#socket = socket;
    this.#patienceMillis = patienceMillis;
    socket.on('message', (data) => {
      const text = String(data);
      if (text !== '') this.#frames.push(JSON.parse(text) as ServerFrame);
      for (const look of [...this.#waiting]) look();
    });
  }

  /** @throws Refused with the status of a refused handshake. */
  static async open(
    { url, patienceMillis }: Pick<SmokeOptions, 'url' | 'patienceMillis'>,
    credentials: { token?: string; query?: Record<string, string> },
  ): Promise<SmokeSocket> {
    const address = new URL(url);
    for (const [name, value] of Object.entries(credentials.query ?? {})) address.searchParams.set(name, value);
    const offered = credentials.token === undefined ? [subprotocol] : [subprotocol, bearerPrefix + credentials.token];
    const socket = new WebSocket(address, offered, { handshakeTimeout: patienceMillis });
    const opened = new SmokeSocket(socket, patienceMillis);
    await new Promise<void>((resolve, reject) => {
      socket.once('open', resolve);
      socket.once('error', reject);
      socket.once('unexpected-response', (request, response) => {
        request.destroy();
        reject(new Refused(response.statusCode ?? 0));
      });
    });
    return opened;
  }

  /** Sends a request and returns its answer. @throws Error if the answer has another type. */
  async ask<T extends ServerFrameType>(
    type: T,
    message: { type: string; [field: string]: unknown },
  ): Promise<Frame<T>> {
    this.#requests += 1;
    const requestId = `smoke-${this.#requests}`;
    this.#socket.send(JSON.stringify({ ...message, requestId }));
    const answer = await this.#next((frame) => frame.requestId === requestId, `the answer to ${message.type}`);
    if (answer.type === type) return answer as Frame<T>;
    throw new Error(`${message.type} was answered by ${JSON.stringify(answer)}.`);
  }

  /** The next frame of a type that meets a condition. */
  async next<T extends ServerFrameType>(type: T, holds: (frame: Frame<T>) => boolean): Promise<Frame<T>> {
    return (await this.#next(
      (frame) => frame.type === type && holds(frame as Frame<T>),
      `a frame ${type}`,
    )) as Frame<T>;
  }

  send(message: { type: string; [field: string]: unknown }): void {
    this.#socket.send(JSON.stringify(message));
  }

  close(): void {
    this.#socket.close(1000);
  }

  /** Ends the connection as a lost network does. */
  breakOff(): void {
    this.#socket.terminate();
  }

  async #next(holds: (frame: ServerFrame) => boolean, what: string): Promise<ServerFrame> {
    return new Promise((resolve, reject) => {
      const finish = (end: () => void) => {
        clearTimeout(timer);
        this.#waiting.delete(look);
        end();
      };
      const look = () => {
        const place = this.#frames.findIndex(holds);
        if (place >= 0) finish(() => resolve(this.#frames.splice(place, 1)[0]!));
      };
      const timer = setTimeout(
        () => finish(() => reject(new Error(`There was not ${what} within ${this.#patienceMillis / 1000} s.`))),
        this.#patienceMillis,
      );
      this.#waiting.add(look);
      look();
    });
  }
}

/** A refused handshake. */
export class Refused extends Error {
  override readonly name = 'Refused';
  readonly status: number;

  constructor(status: number) {
    super(`The handshake was refused with ${status}.`);
    this.status = status;
  }
}
