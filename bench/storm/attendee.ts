import { once } from 'node:events';
import { setTimeout as pause } from 'node:timers/promises';
import WebSocket from 'ws';
import { bearerPrefix, type ServerFrame, subprotocol } from '../../protocol/frames.ts';
import { Replica } from './replica.ts';

/** What API Gateway itself sends where a function failed. */
interface GatewayFrame {
  type?: undefined;
  message: string;
  requestId?: string;
}
type AnyFrame = ServerFrame | GatewayFrame;

/** Who listens to what an attendee hears; every method is called at the moment the frame comes. */
export interface Listener {
  /** Any frame, of so many bytes. */
  heard?(frame: AnyFrame, bytes: number): void;
  /** A frame was sent. */
  sent?(): void;
  /** Something the protocol rules out. */
  odd?(sentence: string): void;
  /** The service says that this connection is not in the session, although it joined. */
  forgotten?(): void;
}

export interface AttendeeOptions {
  websocket: string;
  token: string;
  sessionId: string;
  listener?: Listener;
}

/** API Gateway gives up after 29 seconds and says so; later nothing comes any more. */
const answerPatienceMillis = 30_000;
const partsPatienceMillis = 5000;
/** Posts may overtake one another: a diff that is missing is waited for before the whole state is asked for. */
const gapPatienceMillis = 1000;

/** One connection that takes part in one session as docs/protocol.md says, and nothing more clever than that. */
export class Attendee {
  readonly replica: Replica;
  readonly #options: AttendeeOptions;
  readonly #pending = new Map<string, (frame: AnyFrame | undefined) => void>();
  #socket: WebSocket | undefined;
  #requests = 0;
  /** While a whole state is on its way, none is asked for. */
  #expecting = false;
  #gap: NodeJS.Timeout | undefined;

  constructor(options: AttendeeOptions) {
    this.#options = options;
    this.replica = new Replica((sentence) => options.listener?.odd?.(sentence));
  }

  get isOpen(): boolean {
    return this.#socket?.readyState === WebSocket.OPEN;
  }

  /** Opens the socket. @throws Error where the handshake is refused. */
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

  /** Joins the session; answers the reply, undefined where there was none. The state is whole, or asked for, then. */
  async join(): Promise<AnyFrame | undefined> {
    this.replica.clear();
    this.#expecting = true;
    const answer = await this.ask({ type: 'session_join' });
    const joined = answer?.type === 'session_joined';
    if (joined) {
      this.replica.takeSnapshot(answer);
      await this.#becomeWhole();
    }
    this.#expecting = false;
    if (joined) this.#keepUp();
    return answer;
  }

  /** Sends a frame about the session; false where the socket is not open. */
  send(message: Record<string, unknown> & { type: string }): boolean {
    if (!this.isOpen || this.#socket!.isPaused) return false;
    this.#socket!.send(JSON.stringify({ sessionId: this.#options.sessionId, ...message }));
    this.#options.listener?.sent?.();
    return true;
  }

  /** Neither sends nor hears anything until `resume`, as a laptop that is shut. */
  pause(): void {
    if (this.isOpen) this.#socket!.pause();
  }

  resume(): void {
    if (this.isOpen) this.#socket!.resume();
  }

  /** Sends a request and answers its reply; undefined where the function failed or nothing came. */
  ask(message: Record<string, unknown> & { type: string }): Promise<AnyFrame | undefined> {
    this.#requests += 1;
    const requestId = `r${this.#requests}`;
    if (!this.send({ ...message, requestId })) return Promise.resolve(undefined);
    return new Promise((resolve) => {
      const timer = setTimeout(() => this.#answer(requestId, undefined), answerPatienceMillis);
      this.#pending.set(requestId, (frame) => {
        clearTimeout(timer);
        resolve(frame);
      });
    });
  }

  /** Tells the service that the client lives, and what it has applied. */
  heartbeat(fields: { idle?: boolean } = {}): boolean {
    const { epoch, seq, isWhole } = this.replica;
    return this.send({ type: 'heartbeat', ...fields, ...(isWhole ? { epoch, seq } : {}) });
  }

  /** Closes as a browser does. */
  close(): void {
    this.#socket?.close(1000);
  }

  /** Ends as a lost network does. */
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

  /** Asks for the whole state where it is lost, and where a diff that was overtaken does not come. */
  #keepUp(): void {
    if (this.#expecting || !this.isOpen) return;
    if (this.replica.outOfStep) void this.#sync();
    else if (this.replica.waitsForOne) this.#gap ??= setTimeout(() => this.#giveUpWaiting(), gapPatienceMillis);
  }

  #giveUpWaiting(): void {
    this.#gap = undefined;
    if (!this.replica.waitsForOne || this.#expecting) return;
    this.replica.outOfStep = true;
    void this.#sync();
  }

  /** Asks for the whole state until it is there; a part that never came is asked for again. */
  async #sync(): Promise<void> {
    this.#expecting = true;
    for (let attempt = 0; this.isOpen && this.replica.outOfStep; attempt += 1) {
      const answer = await this.ask({ type: 'presence_sync' });
      if (answer?.type === 'presence_state') await this.#becomeWhole();
      else await pause(backOff(attempt));
    }
    this.#expecting = false;
    this.#keepUp();
  }

  /** Waits for the parts of a snapshot that are still on their way. */
  async #becomeWhole(): Promise<void> {
    const deadline = Date.now() + partsPatienceMillis;
    while (this.isOpen && this.replica.outOfStep && Date.now() < deadline) await pause(20);
  }

  #answer(requestId: string, frame: AnyFrame | undefined): void {
    const resolve = this.#pending.get(requestId);
    this.#pending.delete(requestId);
    resolve?.(frame);
  }

  /** A failed function names no request of ours, so all that wait are taken for failed. */
  #giveUp(): void {
    for (const requestId of [...this.#pending.keys()]) this.#answer(requestId, undefined);
  }
}

/** How long to wait before the next attempt, so that many who failed do not keep a busy service from recovering. */
export function backOff(attempt: number): number {
  return 200 + Math.random() * Math.min(10_000, 300 * 2 ** attempt);
}
