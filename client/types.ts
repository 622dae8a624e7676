import type { LeaveCause, PresenceUser, Role, SessionMetadata, Session as WireSession } from '../protocol/entities.ts';

/** The types that an application declares once; each name is optional. */
export interface Types {
  /** The `data` of a user, at most 2 KB of JSON. */
  data?: object;
  /** The cursor of a user, at most 1 KB of JSON. */
  cursor?: object;
  /** Additional fields of a session's metadata. */
  metadata?: object;
  /** The payloads of ephemeral events by the name of the event. */
  broadcasts?: object;
}

/**
 * The interface in which an application declares its types for all hooks:
 *
 * @example
 * import '@rollcall/client';
 *
 * declare module '@rollcall/client' {
 *   interface Register { types: { data: { colour: string } } }
 * }
 */
// biome-ignore lint/suspicious/noEmptyInterface: the application adds its field.
export interface Register {}

/** The types of `Register`, or any JSON. */
export type Registered = Register extends { types: infer T extends Types } ? T : Types;

/** The type declared under a name, or any JSON object. */
type Declared<T, K extends string> = T extends { [P in K]: infer V extends object } ? V : Record<string, unknown>;

export type DataOf<T extends Types> = Declared<T, 'data'>;
export type CursorOf<T extends Types> = Declared<T, 'cursor'>;
export type MetadataOf<T extends Types> = SessionMetadata & Declared<T, 'metadata'>;
export type BroadcastsOf<T extends Types> = Declared<T, 'broadcasts'>;
export type BroadcastName<T extends Types> = keyof BroadcastsOf<T> & string;

/** A change of `data` by key: `null` removes a key, absent keys stay. */
export type DataPatch<T extends Types> = { [K in keyof DataOf<T>]?: DataOf<T>[K] | null };

/** A schema that follows https://standardschema.dev (zod, valibot, arktype …); only its output type is used. */
export interface TypeSchema<T> {
  readonly '~standard': { readonly types?: { readonly output: T } | undefined };
}

/** One user in a session, with any number of tabs and devices. */
export interface User<T extends Types = Types> extends Omit<PresenceUser, 'cursor' | 'data' | 'index'> {
  /** The user's data; empty until they set some. */
  readonly data: DataOf<T>;
  /** The user's cursor; absent if they have none, are invisible, or this client's role may not see cursors. */
  readonly cursor?: CursorOf<T>;
}

/** The cursor of another user. */
export interface UserCursor<T extends Types = Types> {
  readonly userId: string;
  readonly cursor: CursorOf<T>;
  /** When the service received it, in Unix milliseconds. */
  readonly at: number;
}

/** The stored fields of a session. Times are Unix milliseconds. */
export interface SessionInfo<T extends Types = Types> extends Omit<WireSession, 'metadata'> {
  readonly metadata: MetadataOf<T>;
}

/**
 * `joining`: not joined yet; `joined`: the state is up to date; `stale`: the connection is lost, or the service cannot let
 * the user join again now, and the last known state is shown; `left`: this client left or was removed; `ended`: the session has ended.
 */
export type SessionState = 'joining' | 'joined' | 'stale' | 'left' | 'ended';

/** A user who left. */
export interface Leave<T extends Types = Types> {
  readonly user: User<T>;
  /** The cause; undefined if they left while this client was not connected. */
  readonly cause: Exclude<LeaveCause, 'signed_in'> | undefined;
}

/** An ephemeral event of another user, or of a program of the application. */
export type Broadcast<T extends Types = Types> = {
  [E in BroadcastName<T>]: {
    readonly event: E;
    readonly payload: BroadcastsOf<T>[E];
    readonly userId: string;
    /** When the service received it, in Unix milliseconds. */
    readonly at: number;
    /** Present if a program sent the event with a server key. Then no user has the `userId`, or with `agent` an agent has it. */
    readonly kind?: 'server' | 'agent';
  };
}[BroadcastName<T>];

/** The state of a session at one moment. It is the same object until a part of it changes. */
export interface SessionSnapshot<T extends Types = Types> {
  readonly state: SessionState;
  /** Whether the connection is lost, so that the state may be out of date. */
  readonly isStale: boolean;
  readonly info: SessionInfo<T> | undefined;
  readonly role: Role | undefined;
  readonly self: User<T> | undefined;
  readonly others: readonly User<T>[];
  readonly users: readonly User<T>[];
  readonly cursors: readonly UserCursor<T>[];
}
