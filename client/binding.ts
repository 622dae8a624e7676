import type { Client, OpenOptions } from './client-api.ts';
import { createEmitter } from './emitter.ts';
import type { RollcallError } from './errors.ts';
import type { Session } from './session-api.ts';
import type { SessionEvents } from './session-events.ts';
import type { Joining } from './shared.ts';
import type { SessionSnapshot, Types } from './types.ts';

/** The session that a view shows: an existing one by its id or name, or the one of the application's own key. */
export type SessionTarget = string | { readonly key: string };

/** The state of a session as a view shows it; the same object until a part of it changes. */
export interface ViewState<T extends Types = Types> extends SessionSnapshot<T> {
  /** Why the session cannot be joined, or why the connection is lost; undefined while the session is joined. */
  readonly error: RollcallError | undefined;
}

/** One session for a view framework: it is joined while a component that uses it is mounted. */
export interface Binding<T extends Types = Types> {
  /** The session; the same object whether it is joined or not, so that it can be used from the first render. */
  readonly session: Session<T>;
  getState(): ViewState<T>;
  /** Calls the listener after each change of the state. @returns the function that unsubscribes. */
  subscribe(listener: () => void): () => void;
  /** Calls the listener with each error of a join, of the connection or of a change. @returns the function that unsubscribes. */
  onError(listener: (error: RollcallError) => void): () => void;
  /** Joins. Call it once mounted, never while rendering on a server. */
  mount(): void;
  /** Leaves, unless `mount` follows at once, as in React's StrictMode and in hot reloads. */
  unmount(): void;
}

type Method = (...values: unknown[]) => unknown;
interface Events extends SessionEvents {
  change: undefined;
  failure: RollcallError;
}

const methods =
  'setStatus setActivity setData setCursor broadcast logActivity queryActivity presenceAt participants setRole remove createInvite revokeInvite end recover';
const forwarded = 'joined left updated cursors broadcast activity state expiring expired ended removed error';
const lists = { others: [], users: [], cursors: [] };

/** The state that a server renders, and that a browser shows until the session is joined. */
export const emptyState: ViewState = {
  state: 'joining',
  isStale: false,
  info: undefined,
  role: undefined,
  self: undefined,
  ...lists,
  error: undefined,
};

/** @param options returns the options of the join; called at each join. */
export function createBinding(client: Client, target: SessionTarget, options: () => OpenOptions): Binding {
  const { on, emit } = createEmitter<Events>();
  let state = emptyState;
  let error: RollcallError | undefined;
  /** The client's session. It is kept after leaving, so that a late call gets the error of a session that was left. */
  let joined: Session | undefined;
  let isHeld = false;
  let isMounted = false;
  let stop: (() => void)[] = [];

  function refresh(): void {
    const snapshot = joined!.getSnapshot();
    if (snapshot.state === 'joined') error = undefined;
    // While there are no users, the lists stay the same objects, so that no component renders again.
    state = { ...snapshot, ...(!snapshot.users[0] && lists), error };
    emit('change', undefined);
  }

  function fail(failure: RollcallError): void {
    error = failure;
    refresh();
    emit('failure', failure);
  }

  function watch(session: Session): void {
    session.ready.catch((failure) => {
      if (session !== joined || !isHeld) return;
      // The client also reports failures of the connection, and each component that joins meanwhile leads to the same failure again.
      if (error?.message !== failure.message) fail(failure);
      if (!isOver(session)) watch(session);
    });
  }

  function join(): Session {
    release();
    const joining: OpenOptions & Joining = { ...options(), isComponent: true };
    const session = typeof target === 'string' ? client.join(target, joining) : client.open(target.key, joining);
    joined = session;
    isHeld = true;
    stop = [
      session.subscribe(refresh),
      session.on('error', (failure) => (session.state === 'joined' ? emit('failure', failure) : fail(failure))),
      client.on('error', (failure) => error !== failure && fail(failure)),
      ...forwarded.split(' ').map((event) => session.on(event as 'state', (value) => emit(event as 'state', value))),
    ];
    watch(session);
    refresh();
    return session;
  }

  function release(): void {
    for (const each of stop.splice(0)) each();
  }

  /** Joins if needed: a child component is mounted before its parents and may use the session earlier. */
  const current = () => joined ?? join();

  const session = {
    get id() {
      return joined?.id ?? (typeof target === 'string' ? target : target.key);
    },
    get ready() {
      return current().ready;
    },
    on,
    subscribe: (listener: () => void) => on('change', listener),
    getSnapshot: () => state,
    async leave() {
      if (!isHeld) return;
      isHeld = false;
      await joined!.leave();
    },
  } as unknown as Session;
  for (const name of methods.split(' ')) {
    const call: Method = (...values) => (current()[name as keyof Session] as Method)(...values);
    Object.assign(session, { [name]: call });
  }
  for (const name of Object.keys(emptyState)) {
    Object.defineProperty(session, name, { get: () => state[name as keyof ViewState], enumerable: true });
  }

  return {
    session,
    getState: () => state,
    subscribe: session.subscribe,
    onError: (listener) => on('failure', listener),
    mount() {
      isMounted = true;
      if (!isHeld) join();
    },
    unmount() {
      isMounted = false;
      queueMicrotask(() => {
        if (isMounted) return;
        release();
        void session.leave();
      });
    },
  };
}

const isOver = ({ state }: Session) => /left|ended/.test(state);

/** @returns a text that is different for each target. */
export const nameOf = (target: SessionTarget) => (typeof target === 'string' ? target : `key ${target.key}`);

/** Whether two values are identical, or lists or objects with identical values. */
export function isShallowEqual(one: unknown, other: unknown): boolean {
  if (Object.is(one, other)) return true;
  if (!one || !other || typeof one !== 'object' || typeof other !== 'object') return false;
  const [entries, count] = [Object.entries(one), Object.keys(other).length];
  return entries.length === count && entries.every(([key, value]) => Object.is(value, (other as never)[key]));
}

/**
 * @param last the value that an earlier selector returned, if there was one.
 * @returns a function that selects from a state; it returns the same object as before while the value is equal.
 */
export function createReader<S, V>(
  select: (state: S) => V,
  isEqual: (one: V, other: V) => boolean,
  last?: { value: V },
): (state: S) => V {
  let read: { state: S } | undefined;
  let known = last;
  return (state) => {
    if (read?.state !== state) {
      read = { state };
      const value = select(state);
      if (!known || !isEqual(known.value, value)) known = { value };
    }
    return known!.value;
  };
}
