import type { Machine, Status } from '../protocol/entities.ts';
import type { ClientState } from './client-state.ts';
import type { SocketConstructor } from './environment.ts';
import type { RollcallError } from './errors.ts';
import type { RequestOptions, Session } from './session-api.ts';
import type { DataOf, MetadataOf, TypeSchema, Types } from './types.ts';

/** How a client reaches Rollcall, and as whom. */
export interface ClientOptions<T extends Types = Types> {
  /** Address of the WebSocket API, `wss://…/live`. */
  url: string;
  /** Address of the HTTP API, `https://…`. The client needs it to recognize refused tokens, if its host is not that of `url`. */
  httpUrl?: string;
  /**
   * Returns the user's JSON Web Token from your identity provider, or null while they are signed out. It is called before a
   * handshake if the last token expires in less than a minute.
   */
  token?: () => string | null | Promise<string | null>;
  /**
   * An invite: the user is a guest while there is no token. With a `token` too, a guest who signs in stays the same person; see
   * `signIn`.
   */
  invite?: string;
  /** The name of the guest that others see. */
  guestName?: string;
  /** The form of received cursors; `compact` (the default) needs about a fifth of the bytes of `json`. */
  format?: 'compact' | 'json';
  /** A WebSocket implementation for platforms without one, such as the package `ws` for Node.js before 22. */
  WebSocket?: SocketConstructor;
  /** The number of attempts to reconnect and the waits between them in milliseconds. */
  reconnect?: { maxAttempts?: number; baseDelay?: number; maxDelay?: number };
  /** The shortest time in milliseconds between two changes that a session sends; by default the window of the service (100). */
  throttleMillis?: number;
  /** Called with messages about what the client does, for debugging. */
  log?: (message: string, detail?: unknown) => void;
  /** Defines the types instead of a type argument; values are not validated with it. */
  schema?: TypeSchema<T>;
}

/** The state of the user that a join sets; absent fields do not change. */
export interface JoinOptions<T extends Types = Types> {
  /** An invite to this session; only the first join needs it. */
  invite?: string;
  data?: Partial<DataOf<T>>;
  status?: Status;
  activity?: string;
}

export interface OpenOptions<T extends Types = Types> extends JoinOptions<T> {
  /** Metadata of the session, if this call creates it. */
  metadata?: Partial<MetadataOf<T>>;
}

export interface CreateOptions<T extends Types = Types> extends RequestOptions {
  /** The application's id of the subject of the session, at most 255 characters. */
  operationId: string;
  metadata?: Partial<MetadataOf<T>>;
  data?: Partial<DataOf<T>>;
}

/** The user of this client, as the service identified them. */
export interface Self {
  readonly userId: string;
  readonly username: string;
}

/** The events of a client. */
export interface ClientEvents {
  state: ClientState;
  /** The connection failed, or the service refused a frame that belongs to no call. */
  error: RollcallError;
}

/** The machines of the signed-in user. */
export interface Machines {
  /** Registers a machine of this user, or renames it. */
  register(machine: { machineId: string; name: string; metadata?: object } & RequestOptions): Promise<Machine>;
  /**
   * Tells that a machine is alive.
   *
   * @param time when the machine was last seen, in Unix milliseconds; by default now.
   */
  heartbeat(machineId: string, time?: number, options?: RequestOptions): Promise<void>;
  /** All machines of this user. */
  list(options?: RequestOptions): Promise<Machine[]>;
}

/** The connection of one user to Rollcall, with any number of sessions. */
export interface Client<T extends Types = Types> {
  /** In the state `waiting` the client reconnects by itself; in the state `closed` only `connect` connects again. */
  readonly state: ClientState;
  /** Undefined until the first connection is open. */
  readonly self: Self | undefined;
  readonly machines: Machines;
  /** Connects, or makes the next attempt at once. A join connects too, unless the client was closed. */
  connect(): void;
  /** Leaves each session and closes the connection. Only `connect` opens it again, and then joins the sessions again. */
  close(): void;
  /**
   * Makes a guest the user of the token that `token` returns now. They stay the same person: the others see one change, and status,
   * cursor, data and history are kept. If an application returns from a sign-in page, a client with `token` and `invite` does
   * the same by itself.
   *
   * @returns a promise that resolves when the sessions are joined as the user.
   * @throws RollcallError `UNAUTHENTICATED` if there is no token; then the guest stays.
   */
  signIn(): Promise<void>;
  /** @returns the function that unsubscribes. */
  on<E extends keyof ClientEvents>(event: E, listener: (value: ClientEvents[E]) => void): () => void;
  /**
   * Joins a session by its UUID or its name. Several callers may join the same session; the client leaves it when all have left.
   */
  join(sessionId: string, options?: JoinOptions<T>): Session<T>;
  /** Joins or creates the live session of a key, such as the application's id of a document or a board. */
  open(key: string, options?: OpenOptions<T>): Session<T>;
  /**
   * Creates a session that this user owns.
   *
   * @throws RollcallError if the service refuses or does not answer within ten seconds.
   */
  create(options: CreateOptions<T>): Promise<Session<T>>;
}
