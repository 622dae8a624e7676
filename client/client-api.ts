import type { Machine, Status } from '../protocol/entities.ts';
import type { SocketConstructor } from './environment.ts';
import type { RollcallError } from './errors.ts';
import type { ClientState } from './machine.ts';
import type { RequestOptions, Session } from './session-api.ts';
import type { DataOf, MetadataOf, TypeSchema, Types } from './types.ts';

/** How a client reaches Rollcall, and as whom. */
export interface ClientOptions<T extends Types = Types> {
  /** Address of the WebSocket API, `wss://…/live`. */
  url: string;
  /** Address of the HTTP API, `https://…`; where it is another host than `url`, it lets refused tokens be recognized. */
  httpUrl?: string;
  /**
   * Gives the JSON Web Token of the person's session at your identity provider, or null while they are signed out. Called
   * before each handshake for which the last token has less than a minute to live.
   */
  token?: () => string | null | Promise<string | null>;
  /** An invitation, instead of a token: the person is a guest. */
  invite?: string;
  /** What others read as the guest's name. */
  guestName?: string;
  /** How cursors come; `compact` (the default) is about a fifth of the bytes. */
  format?: 'compact' | 'json';
  /** A WebSocket implementation for places that have none, such as the package `ws` for Node.js before 22. */
  WebSocket?: SocketConstructor;
  /** How often and how patiently to reconnect; delays are milliseconds. */
  reconnect?: { maxAttempts?: number; baseDelay?: number; maxDelay?: number };
  /** Least milliseconds between two frames of a session about this person; the service's window by default (100). */
  throttleMillis?: number;
  /** Hears what the client does, for a developer. */
  log?: (message: string, detail?: unknown) => void;
  /** Gives the types instead of a type argument; values are not checked against it. */
  schema?: TypeSchema<T>;
}

/** How somebody joins; what is absent stays as it was. */
export interface JoinOptions<T extends Types = Types> {
  /** An invitation to this session; not needed again once joined. */
  invite?: string;
  data?: Partial<DataOf<T>>;
  status?: Status;
  activity?: string;
}

export interface OpenOptions<T extends Types = Types> extends JoinOptions<T> {
  /** Of the session, if this call is the one that creates it. */
  metadata?: Partial<MetadataOf<T>>;
}

export interface CreateOptions<T extends Types = Types> extends RequestOptions {
  /** The application's id of what the session is about, at most 255 characters. */
  operationId: string;
  metadata?: Partial<MetadataOf<T>>;
  data?: Partial<DataOf<T>>;
}

/** Who this client is, as the service says. */
export interface Self {
  readonly userId: string;
  readonly username: string;
}

export interface ClientEvents {
  state: ClientState;
  /** The connection cannot be made or kept, or a frame was refused that belongs to no call. */
  error: RollcallError;
}

export interface Machines {
  /** Registers a machine of this person, or renames it. */
  register(machine: { machineId: string; name: string; metadata?: object } & RequestOptions): Promise<Machine>;
  /** @param time when the machine was seen, in Unix milliseconds; now where nothing is said. */
  heartbeat(machineId: string, time?: number, options?: RequestOptions): Promise<void>;
  list(options?: RequestOptions): Promise<Machine[]>;
}

/** One person's connection to Rollcall, with any number of sessions. */
export interface Client<T extends Types = Types> {
  /** `waiting` tries again by itself; `closed` waits for `connect`. */
  readonly state: ClientState;
  /** Undefined until the service has greeted this client once. */
  readonly self: Self | undefined;
  readonly machines: Machines;
  /** Connects, or tries at once instead of waiting. Joining does it, too, unless the client was closed. */
  connect(): void;
  /** Leaves every session and closes the connection. Nothing but `connect` opens it again; then the sessions come back. */
  close(): void;
  /** @returns the function that unsubscribes. */
  on<E extends keyof ClientEvents>(event: E, listener: (value: ClientEvents[E]) => void): () => void;
  /**
   * Joins a session by its UUID or its name. Callers who join the same one share it: it is left when each has left.
   */
  join(sessionId: string, options?: JoinOptions<T>): Session<T>;
  /** Joins the live session of the application's own id of a document, board or operation, or creates it. */
  open(key: string, options?: OpenOptions<T>): Session<T>;
  /**
   * Creates a session of which this person is the owner.
   *
   * @throws RollcallError if that is impossible or nothing answered within ten seconds.
   */
  create(options: CreateOptions<T>): Promise<Session<T>>;
}
