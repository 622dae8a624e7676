import { once } from 'node:events';
import { setTimeout as pause } from 'node:timers/promises';
import WebSocket from 'ws';
import type { AccessClaim } from '../../protocol/access-claim.ts';
import { bearerPrefix, type ServerFrame, type ServerFrameType, subprotocol } from '../../protocol/frames.ts';
import type { ClientMessage } from '../../protocol/messages.ts';
import { timeLimits } from './time-limits.ts';

/** A frame of the service or of API Gateway itself. */
export type AnyFrame = ServerFrame | { type?: undefined; message: string; connectionId: string; requestId: string };

/** Before a refused request is repeated; a connection may send twenty messages a second. */
const retryMillis = 100;

type Request = Record<string, unknown> & { type: string };

/** API Gateway answered instead of a function, for example because the function took too long. */
class GatewayAnswer extends Error {}

interface Waiter {
  matches: (frame: AnyFrame) => boolean;
  resolve: (frame: AnyFrame) => void;
  /** For who waits for a reply of a function: API Gateway answered instead. */
  failed?: (answer: string) => void;
}

/** A WebSocket client for tests. It keeps all received frames, and a test can wait for one. */
export class TestClient {
  readonly frames: AnyFrame[] = [];
  readonly socket: WebSocket;
  #waiting: Waiter[] = [];
  /** Frames that `next` has returned already. */
  readonly #taken = new Set<AnyFrame>();
  #requests = 0;

  constructor(url: string, token?: string) {
    this.socket = new WebSocket(url, token ? [subprotocol, `${bearerPrefix}${token}`] : []);
    this.socket.on('message', (data) => this.#receive(String(data)));
    this.socket.on('error', () => {});
  }

  /** Connects as a user of the local identity provider. */
  static async connect(
    stack: { http: string; websocket: string },
    user: string,
    sessions?: AccessClaim,
  ): Promise<TestClient> {
    const { token } = await tokenOf(stack, user, { sessions });
    return TestClient.open(stack.websocket, token);
  }

  /** Opens a connection. On a busy machine a store may be too slow for the handshake; after a 503 it is repeated, as a client does. */
  static async open(url: string, token?: string): Promise<TestClient> {
    const until = Date.now() + timeLimits.event;
    for (;;) {
      const client = new TestClient(url, token);
      const isOpen = await client.opened().then(
        () => true,
        (error: Error) => {
          if (!error.message.endsWith(': 503') || Date.now() >= until) throw error;
          return false;
        },
      );
      if (isOpen) return client;
    }
  }

  async opened(): Promise<void> {
    if (this.socket.readyState === WebSocket.OPEN) return;
    const refused = once(this.socket, 'error').then(([error]) => {
      throw error;
    });
    await Promise.race([once(this.socket, 'open'), refused]);
  }

  send(message: ClientMessage | Record<string, unknown> | string): void {
    this.socket.send(typeof message === 'string' ? message : JSON.stringify(message));
  }

  /**
   * Sends a request and returns its reply. On a busy machine a store or a function may be too slow; then the service answers
   * UNAVAILABLE or API Gateway answers, and the request is repeated as a client does.
   */
  async ask(message: Request): Promise<ServerFrame> {
    const until = Date.now() + timeLimits.event;
    for (;;) {
      const mayRepeat = Date.now() < until;
      const reply = await this.askOnce(message).catch((error: unknown) => {
        if (mayRepeat && error instanceof GatewayAnswer) return undefined;
        throw error;
      });
      if (reply && !(mayRepeat && reply.type === 'error' && reply.code === 'UNAVAILABLE')) return reply;
      await pause(retryMillis);
    }
  }

  /** Sends a request once and returns its reply, also UNAVAILABLE. */
  async askOnce(message: Request): Promise<ServerFrame> {
    this.#requests += 1;
    const requestId = `request-${this.#requests}`;
    this.send({ ...message, requestId });
    const isReply = (frame: AnyFrame) => frame.requestId === requestId;
    return (await this.#wait(isReply, `the reply to ${message.type}`, true)) as ServerFrame;
  }

  /** Sends a request with `ask` and returns its reply of this type. It fails with the actual reply if the type differs. */
  async expect<T extends ServerFrameType>(type: T, message: Request): Promise<ServerFrame<T>> {
    return ofType(type, await this.ask(message));
  }

  /** The same with `askOnce`: it fails if the service answers UNAVAILABLE. */
  async expectOnce<T extends ServerFrameType>(type: T, message: Request): Promise<ServerFrame<T>> {
    return ofType(type, await this.askOnce(message));
  }

  /** Returns the first frame of a type that `next` has not returned before. Waits for it if necessary. */
  async next<T extends ServerFrameType>(
    type: T,
    matches: (frame: ServerFrame<T>) => boolean = () => true,
  ): Promise<ServerFrame<T>> {
    const wanted = (frame: AnyFrame) => frame.type === type && matches(frame as ServerFrame<T>);
    const early = this.frames.find((frame) => !this.#taken.has(frame) && wanted(frame));
    const frame = early ?? (await this.#wait(wanted, `a ${type} frame`));
    this.#taken.add(frame);
    return frame as ServerFrame<T>;
  }

  /** Returns the first frame of any type. Waits for it if necessary. */
  async nextOf(matches: (frame: AnyFrame) => boolean): Promise<AnyFrame> {
    return this.frames.find(matches) ?? (await this.#wait(matches, 'a frame'));
  }

  framesOf<T extends ServerFrameType>(type: T): ServerFrame<T>[] {
    return this.frames.filter((frame) => frame.type === type) as ServerFrame<T>[];
  }

  async close(code = 1000): Promise<void> {
    if (this.socket.readyState === WebSocket.CLOSED) return;
    const closed = once(this.socket, 'close');
    this.socket.close(code);
    await closed;
  }

  /** Destroys the socket, as a lost network does. */
  cut(): void {
    this.socket.terminate();
  }

  #receive(text: string): void {
    if (text === '') return;
    const frame = JSON.parse(text) as AnyFrame;
    this.frames.push(frame);
    const found = this.#waiting.filter((waiter) => waiter.matches(frame));
    // The answer of API Gateway does not say which request it belongs to.
    const failed = frame.type === undefined ? this.#waiting.filter((waiter) => waiter.failed) : [];
    this.#waiting = this.#waiting.filter((waiter) => !found.includes(waiter) && !failed.includes(waiter));
    for (const waiter of found) waiter.resolve(frame);
    for (const waiter of failed) waiter.failed!(text);
  }

  #wait(matches: (frame: AnyFrame) => boolean, what: string, isReply = false): Promise<AnyFrame> {
    const limit = timeLimits.event;
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        const seen = this.frames.slice(-5).map((frame) => JSON.stringify(frame).slice(0, 300));
        reject(new Error(`Waited ${limit} ms for ${what}. The last frames were:\n${seen.join('\n')}`));
      }, limit);
      this.#waiting.push({
        matches,
        resolve: (frame) => {
          clearTimeout(timer);
          resolve(frame);
        },
        ...(isReply && {
          failed: (answer: string) => {
            clearTimeout(timer);
            reject(new GatewayAnswer(`Instead of ${what}, API Gateway sent ${answer}`));
          },
        }),
      });
    });
  }
}

function ofType<T extends ServerFrameType>(type: T, frame: ServerFrame): ServerFrame<T> {
  if (frame.type !== type) throw new Error(`Expected ${type}, got ${JSON.stringify(frame)}`);
  return frame as ServerFrame<T>;
}

export interface DevToken {
  token: string;
  userId: string;
  expiresIn: number;
}

/** @param options `sessions`: the access claim. */
export async function tokenOf(
  stack: { http: string },
  user: string,
  { admin = false, sessions }: { admin?: boolean; sessions?: AccessClaim | undefined } = {},
): Promise<DevToken> {
  const query = new URLSearchParams({ user, name: user[0]!.toUpperCase() + user.slice(1) });
  if (admin) query.set('admin', '1');
  if (sessions) query.set('sessions', JSON.stringify(sessions));
  const response = await fetch(`${stack.http}/dev/token?${query}`);
  return (await response.json()) as DevToken;
}
