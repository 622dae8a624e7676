import { once } from 'node:events';
import { setTimeout as pause } from 'node:timers/promises';
import WebSocket from 'ws';
import { bearerPrefix, type ServerFrame, subprotocol } from '../../protocol/frames.ts';
import { Replica } from './replica.ts';

/** What API Gateway itself sends if a function failed. */
interface GatewayFrame {
  type?: undefined;
  message: string;
  requestId?: string;
}
type AnyFrame = ServerFrame | GatewayFrame;

/** Receives the events of an attendee, at the moment of each frame. */
export interface Listener {
  /** A frame with this many bytes was received. */
  heard?(frame: AnyFrame, bytes: number): void;
  /** A frame was sent. */
  sent?(): void;
  /** The service violated the protocol. */
  odd?(sentence: string): void;
  /** The service answered that this connection is not in the session, although it joined. */
  forgotten?(): void;
}

export interface AttendeeOptions {
  websocket: string;
  token: string;
  sessionId: string;
  listener?: Listener;
}

/** Longer than the 29 seconds after which API Gateway answers with a time-out. */
const answerTimeoutMillis = 30_000;
const partsTimeoutMillis = 5000;
/** How long to wait for a missing diff before a snapshot is requested, because posts may overtake one another. */
const gapTimeoutMillis = 1000;

/** One connection in one session. It follows docs/protocol.md and does nothing beyond it. */
export class Attendee {
  readonly replica: Replica;
  readonly #options: AttendeeOptions;
  readonly #pending = new Map<string, (frame: AnyFrame | undefined) => void>();
  #socket: WebSocket | undefined;
  #requests = 0;
  /** Whether a snapshot was requested and has not arrived yet. */
  #expecting = false;
  #gap: NodeJS.Timeout | undefined;

  constructor(options: AttendeeOptions) {
    this.#options = options;
    this.replica = new Replica((sentence) => options.listener?.odd?.(sentence));
  }

  get isOpen(): boolean {
    return this.#socket?.readyState === WebSocket.OPEN;
  }

  /** Opens the socket. @throws Error if the handshake is refused. */
  async connect(): Promise<void> {
    const { websocket, token } = this.#options;
    const socket = new WebSocket(websocket, [subprotocol, `${bearerPrefix}${token}`], { perMessageDeflate: false });
    this.#socket = socket;
    socket.on('message', (data: Buffer) => this.#receive(data));
    socket.on('close', () => this.#giveUp());
    const refused = once(socket, 'error').then(([error]) => {
      throw error;
    });
    refused.catch(() => {});
    await Promise.race([once(socket, 'open'), refused]);
    socket.on('error', () => {});
  }

  /**
   * Joins the session. Returns the reply, or undefined if there was none. Afterwards the snapshot is complete or
   * requested.
   */
  async join(): Promise<AnyFrame | undefined> {
    this.replica.clear();
    this.#expecting = true;
    const answer = await this.ask({ type: 'session_join' });
    const joined = answer?.type === 'session_joined';
    if (joined) {
      this.replica.takeSnapshot(answer);
      await this.#becomeComplete();
    }
    this.#expecting = false;
    if (joined) this.#keepUp();
    return answer;
  }

  /** Sends a frame about the session. Returns false if the socket is not open. */
  send(message: Record<string, unknown> & { type: string }): boolean {
    if (!this.isOpen || this.#socket!.isPaused) return false;
    this.#socket!.send(JSON.stringify({ sessionId: this.#options.sessionId, ...message }));
    this.#options.listener?.sent?.();
    return true;
  }

  /** Neither sends nor receives anything until `resume`, like a suspended laptop. */
  pause(): void {
    if (this.isOpen) this.#socket!.pause();
  }

  resume(): void {
    if (this.isOpen) this.#socket!.resume();
  }

  /** Sends a request. Returns the reply, or undefined if the function failed or no reply came. */
  ask(message: Record<string, unknown> & { type: string }): Promise<AnyFrame | undefined> {
    this.#requests += 1;
    const requestId = `r${this.#requests}`;
    if (!this.send({ ...message, requestId })) return Promise.resolve(undefined);
    return new Promise((resolve) => {
      const timer = setTimeout(() => this.#answer(requestId, undefined), answerTimeoutMillis);
      this.#pending.set(requestId, (frame) => {
        clearTimeout(timer);
        resolve(frame);
      });
    });
  }

  /** Sends a heartbeat. */
  heartbeat(): boolean {
    return this.send(this.heartbeatMessage());
  }

  /** A heartbeat with the epoch and seq of the last applied change. */
  heartbeatMessage(fields: { idle?: boolean } = {}): { type: 'heartbeat' } & Record<string, unknown> {
    const { epoch, seq, isComplete } = this.replica;
    return { type: 'heartbeat', ...fields, ...(isComplete ? { epoch, seq } : {}) };
  }

  /** Closes the socket as a browser does. */
  close(): void {
    this.#socket?.close(1000);
  }

  /** Destroys the socket, as a lost network does. */
  cut(): void {
    this.#socket?.terminate();
  }

  #receive(data: Buffer): void {
    if (data.length === 0) return;
    const frame = JSON.parse(data.toString()) as AnyFrame;
    this.#options.listener?.heard?.(frame, data.length);
    if (frame.type === undefined) {
      this.#giveUp();
      return;
    }
    this.#apply(frame);
    if (frame.requestId !== undefined) this.#answer(frame.requestId, frame);
  }

  #apply(frame: ServerFrame): void {
    if (frame.type === 'presence_state') this.replica.takeSnapshot(frame);
    if (frame.type === 'cursors') this.replica.takeCursors(frame);
    if (frame.type === 'presence_diff') this.replica.takeDiff(frame);
    if (frame.type === 'error' && frame.code === 'NOT_IN_SESSION') this.#options.listener?.forgotten?.();
    if (frame.type === 'presence_diff') this.#keepUp();
  }

  /** Requests a snapshot if the state is lost or a missing diff does not arrive. */
  #keepUp(): void {
    if (this.#expecting || !this.isOpen) return;
    if (this.replica.outOfStep) void this.#sync();
    else if (this.replica.waitsForOne) this.#gap ??= setTimeout(() => this.#giveUpWaiting(), gapTimeoutMillis);
  }

  #giveUpWaiting(): void {
    this.#gap = undefined;
    if (!this.replica.waitsForOne || this.#expecting) return;
    this.replica.outOfStep = true;
    void this.#sync();
  }

  /** Requests a snapshot until it is complete. If a part is missing, the request is repeated. */
  async #sync(): Promise<void> {
    this.#expecting = true;
    for (let attempt = 0; this.isOpen && this.replica.outOfStep; attempt += 1) {
      const answer = await this.ask({ type: 'presence_sync' });
      if (answer?.type === 'presence_state') await this.#becomeComplete();
      else await pause(backOff(attempt));
    }
    this.#expecting = false;
    this.#keepUp();
  }

  /** Waits for the missing parts of a snapshot. */
  async #becomeComplete(): Promise<void> {
    const deadline = Date.now() + partsTimeoutMillis;
    while (this.isOpen && this.replica.outOfStep && Date.now() < deadline) await pause(20);
  }

  #answer(requestId: string, frame: AnyFrame | undefined): void {
    const resolve = this.#pending.get(requestId);
    this.#pending.delete(requestId);
    resolve?.(frame);
  }

  /** The error of a failed function has no request id of ours, so all pending requests count as failed. */
  #giveUp(): void {
    for (const requestId of [...this.#pending.keys()]) this.#answer(requestId, undefined);
  }
}

/** The wait before the next attempt. It grows, so that many retries do not prevent a busy service from recovering. */
export function backOff(attempt: number): number {
  return 200 + Math.random() * Math.min(10_000, 300 * 2 ** attempt);
}
