import type { LeaveCause, PresenceUser, Role, SessionMetadata, Session as WireSession } from '../protocol/entities.ts';

/** What an application declares once; every name is optional. */
export interface Types {
  /** What a person tells the others of themselves, at most 2 KB of JSON. */
  data?: object;
  /** Where a person points, at most 1 KB of JSON. */
  cursor?: object;
  /** Free fields of a session beside the known ones. */
  metadata?: object;
  /** Payloads of ephemeral events by their name. */
  broadcasts?: object;
}

/**
 * Where an application declares its types for every hook at once:
 *
 * @example
 * declare module '@rollcall/client' {
 *   interface Register { types: { data: { colour: string } } }
 * }
 */
// biome-ignore lint/suspicious/noEmptyInterface: the application adds its field.
export interface Register {}

/** The types of `Register`, or any JSON. */
export type Registered = Register extends { types: infer T extends Types } ? T : Types;

/** What was declared under a name, or else any JSON object. */
type Declared<T, K extends string> = T extends { [P in K]: infer V extends object } ? V : Record<string, unknown>;

export type DataOf<T extends Types> = Declared<T, 'data'>;
export type CursorOf<T extends Types> = Declared<T, 'cursor'>;
export type MetadataOf<T extends Types> = SessionMetadata & Declared<T, 'metadata'>;
export type BroadcastsOf<T extends Types> = Declared<T, 'broadcasts'>;
export type BroadcastName<T extends Types> = keyof BroadcastsOf<T> & string;

/** A change of `data` by its keys: `null` removes a key, absent ones stay. */
export type DataPatch<T extends Types> = { [K in keyof DataOf<T>]?: DataOf<T>[K] | null };

/** Anything that follows https://standardschema.dev (zod, valibot, arktype …); only its output type is used. */
export interface TypeSchema<T> {
  readonly '~standard': { readonly types?: { readonly output: T } | undefined };
}

/** One person in a session, however many tabs and devices they use. */
export interface User<T extends Types = Types> extends Omit<PresenceUser, 'cursor' | 'data' | 'index'> {
  /** What they tell of themselves; empty until they told something. */
  readonly data: DataOf<T>;
  /** Where they point; absent while nowhere, invisible, or hidden from this client's role. */
  readonly cursor?: CursorOf<T>;
}

/** A cursor of somebody else. */
export interface UserCursor<T extends Types = Types> {
  readonly userId: string;
  readonly cursor: CursorOf<T>;
  /** When the service received it, in Unix milliseconds. */
  readonly at: number;
}

/** What is stored of a session. Times are Unix milliseconds. */
export interface SessionInfo<T extends Types = Types> extends Omit<WireSession, 'metadata'> {
  readonly metadata: MetadataOf<T>;
}

/**
 * `joining`: not in yet; `joined`: what is shown is true; `stale`: the connection is lost and the last known state is
 * shown; `left`: this client left or was removed; `ended`: the session is over.
 */
export type SessionState = 'joining' | 'joined' | 'stale' | 'left' | 'ended';

/** Somebody left. */
export interface Leave<T extends Types = Types> {
  readonly user: User<T>;
  /** Why; undefined where they left while this client was away itself. */
  readonly cause: LeaveCause | undefined;
}

/** An ephemeral event of somebody else. */
export type Broadcast<T extends Types = Types> = {
  [E in BroadcastName<T>]: {
    readonly event: E;
    readonly payload: BroadcastsOf<T>[E];
    readonly userId: string;
    /** When the service received it, in Unix milliseconds. */
    readonly at: number;
  };
}[BroadcastName<T>];

/** Everything of a session that is shown, at one moment. It is the same object until something of it changes. */
export interface SessionSnapshot<T extends Types = Types> {
  readonly state: SessionState;
  /** Whether the connection is lost and what is shown may be out of date. */
  readonly isStale: boolean;
  readonly info: SessionInfo<T> | undefined;
  readonly role: Role | undefined;
  readonly self: User<T> | undefined;
  readonly others: readonly User<T>[];
  readonly users: readonly User<T>[];
  readonly cursors: readonly UserCursor<T>[];
}
