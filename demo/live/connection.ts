import { RollcallError } from '../../protocol/errors.ts';
import {
  bearerPrefix,
  type ServerFrame,
  type ServerFrames,
  type ServerFrameType,
  subprotocol,
} from '../../protocol/frames.ts';
import type { ClientMessage } from '../../protocol/messages.ts';
import { maximumAttempts, reconnectDelay } from './back-off.ts';

export type Welcome = ServerFrames['welcome'];
/** `waiting`: the next attempt is scheduled. `lost`: an attempt starts only on request. */
export type ConnectionState = 'connecting' | 'online' | 'waiting' | 'lost' | 'closed';

export interface ConnectionOptions {
  url: string;
  token: () => Promise<string>;
  onState: (state: ConnectionState, reason?: string) => void;
  /** Called after each `welcome`, also after a reconnect, when sessions must be joined again. */
  onWelcome: (welcome: Welcome) => void;
  onFrame: (frame: ServerFrame) => void;
}

const replyMillis = 10_000;
/** The time for the answer to a ping. After sleep or a change of network, a broken socket may still look open. */
const checkMillis = 3000;

interface Pending {
  resolve: (frame: ServerFrame) => void;
  reject: (error: RollcallError) => void;
  timer: ReturnType<typeof setTimeout>;
}

/** A connection to Rollcall that reconnects automatically. */
export class Connection {
  readonly #options: ConnectionOptions;
  readonly #pending = new Map<string, Pending>();
  #socket: WebSocket | undefined;
  #state: ConnectionState = 'closed';
  #failures = 0;
  #requests = 0;
  #timer: ReturnType<typeof setTimeout> | undefined;
  /** Identifies the newest attempt, so that an older one whose token arrives late is ignored. */
  #attempt = 0;

  constructor(options: ConnectionOptions) {
    this.#options = options;
  }

  get state(): ConnectionState {
    return this.#state;
  }

  /** Connects now, also during a wait. If connected, it does nothing. */
  open(): void {
    if (this.#state === 'online' || this.#state === 'connecting') return;
    clearTimeout(this.#timer);
    void this.#connect();
  }

  /** Connects now and resets the number of failures; for the user or after the return of the network. */
  retry(): void {
    this.#failures = 0;
    this.open();
  }

  /** Checks whether the connection still works, and replaces it if not. */
  async check(): Promise<void> {
    const socket = this.#socket;
    if (this.#state !== 'online' || !socket) return;
    try {
      await this.#ask({ type: 'ping' }, checkMillis);
    } catch {
      this.#drop(socket);
    }
  }

  close(): void {
    this.#attempt += 1;
    clearTimeout(this.#timer);
    this.#set('closed');
    this.#socket?.close(1000);
    this.#rejectPending();
  }

  /** @returns false if there is no connection. Frames are not queued, because later frames replace them. */
  send(message: ClientMessage): boolean {
    if (this.#state !== 'online' || this.#socket?.readyState !== WebSocket.OPEN) return false;
    this.#socket.send(JSON.stringify(message));
    return true;
  }

  /**
   * Sends a request and waits for its reply.
   *
   * @throws RollcallError of the server, or `UNAVAILABLE` if no reply came.
   */
  async request<T extends ServerFrameType>(type: T, message: ClientMessage): Promise<ServerFrame<T>> {
    const reply = await this.#ask(message);
    if (reply.type === 'error') {
      throw new RollcallError(reply.code, reply.message, { retryAfterMillis: reply.retryAfterMillis });
    }
    if (reply.type !== type)
      throw new RollcallError('INTERNAL', 'Rollcall gave an unexpected answer; reload the page.');
    return reply as ServerFrame<T>;
  }

  #ask(message: ClientMessage, timeoutMillis = replyMillis): Promise<ServerFrame> {
    this.#requests += 1;
    const requestId = `demo-${this.#requests}`;
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        this.#pending.delete(requestId);
        reject(new RollcallError('UNAVAILABLE', 'Rollcall took too long to answer; try again.'));
      }, timeoutMillis);
      this.#pending.set(requestId, { resolve, reject, timer });
      if (this.#socket?.readyState === WebSocket.OPEN) this.#socket.send(JSON.stringify({ ...message, requestId }));
      else this.#reject(requestId);
    });
  }

  async #connect(): Promise<void> {
    this.#attempt += 1;
    const attempt = this.#attempt;
    this.#set('connecting');
    try {
      const token = await this.#options.token();
      if (attempt !== this.#attempt) return;
      this.#listen(new WebSocket(this.#options.url, [subprotocol, `${bearerPrefix}${token}`]));
    } catch (error) {
      if (attempt === this.#attempt) this.#ended(error instanceof RollcallError ? error : undefined);
    }
  }

  #listen(socket: WebSocket): void {
    this.#socket = socket;
    const isCurrent = () => this.#socket === socket && this.#state !== 'closed';
    socket.addEventListener('open', () => {
      if (isCurrent()) void this.#greet(socket);
    });
    socket.addEventListener('message', ({ data }) => {
      if (isCurrent()) this.#receive(String(data));
    });
    socket.addEventListener('close', () => {
      if (isCurrent()) this.#ended();
    });
  }

  async #greet(socket: WebSocket): Promise<void> {
    try {
      const welcome = await this.request('welcome', { type: 'hello', client: 'rollcall-demo' });
      this.#failures = 0;
      this.#set('online');
      this.#options.onWelcome(welcome);
    } catch {
      // Without an answer to `hello`, the socket is useless. The next attempt reports the reason.
      this.#drop(socket);
    }
  }

  /** Does not wait for the closing handshake, which never completes on a broken network. */
  #drop(socket: WebSocket): void {
    if (this.#socket !== socket || this.#state === 'closed') return;
    socket.close();
    this.#ended();
  }

  #receive(text: string): void {
    if (text === '') return;
    const frame = JSON.parse(text) as ServerFrame;
    const pending = frame.requestId === undefined ? undefined : this.#pending.get(frame.requestId);
    if (!pending) {
      this.#options.onFrame(frame);
      return;
    }
    clearTimeout(pending.timer);
    this.#pending.delete(frame.requestId!);
    pending.resolve(frame);
  }

  #ended(error?: RollcallError): void {
    this.#socket = undefined;
    this.#rejectPending();
    this.#failures += 1;
    const isRefused = error?.code === 'UNAUTHENTICATED';
    if (isRefused || this.#failures > maximumAttempts) {
      this.#set('lost', isRefused ? error.message : 'Max reconnection attempts reached');
      return;
    }
    this.#set('waiting', error?.message);
    this.#timer = setTimeout(() => this.open(), reconnectDelay(this.#failures, Math.random()));
  }

  #rejectPending(): void {
    for (const requestId of [...this.#pending.keys()]) this.#reject(requestId);
  }

  #reject(requestId: string): void {
    const pending = this.#pending.get(requestId);
    clearTimeout(pending?.timer);
    this.#pending.delete(requestId);
    pending?.reject(new RollcallError('UNAVAILABLE', 'The connection is down; wait until it is back and try again.'));
  }

  #set(state: ConnectionState, reason?: string): void {
    this.#state = state;
    this.#options.onState(state, reason);
  }
}
