import { type MaybeRefOrGetter, onMounted, shallowReadonly, shallowRef, type ToRefs, toValue } from 'vue';
import type { Stay } from '../../protocol/entities.ts';
import { emptyState, type SessionTarget, type ViewState } from '../binding.ts';
import type { OpenOptions } from '../client-api.ts';
import type { ClientState } from '../client-state.ts';
import type { RollcallError } from '../errors.ts';
import type { Session } from '../session-api.ts';
import type { Broadcast, BroadcastName, Leave, Registered, Types, User, UserCursor } from '../types.ts';
import {
  type ReadonlyRef,
  useBinding,
  useClient,
  useEach,
  useNearestBinding,
  useOwnBinding,
  useSelected,
} from './context.ts';

type IsEqual<V> = (one: V, other: V) => boolean;

/** The result of `useCollaboration`: a ref for each part of the state, and functions that change it. */
export interface Collaboration<T extends Types = Registered>
  extends Readonly<ToRefs<ViewState<T>>>,
    Pick<Session<T>, 'setStatus' | 'setActivity' | 'setData' | 'broadcast' | 'logActivity' | 'leave'> {
  readonly session: ReadonlyRef<Session<T>>;
  /** Sets the cursor of this user; `null` removes it. */
  readonly updateCursor: Session<T>['setCursor'];
}

const identity = <V>(value: V) => value;
const actions = ['setStatus', 'setActivity', 'setData', 'setCursor', 'broadcast', 'logActivity', 'leave'] as const;

/**
 * Joins a session while the component is mounted, and returns its whole state. Heartbeats, the change to away and reconnects
 * are automatic.
 *
 * @param target an id or name, or `{ key }`; by default the session of the nearest `SessionProvider`.
 * @param options how to join, if this component joins the session.
 */
export function useCollaboration<T extends Types = Registered>(
  target?: MaybeRefOrGetter<SessionTarget>,
  options: MaybeRefOrGetter<OpenOptions<T>> = {},
): Collaboration<T> {
  const own =
    target &&
    useOwnBinding(
      () => toValue(target),
      () => toValue(options) as OpenOptions,
    );
  const binding = own || useBinding();
  const result: Record<string, unknown> = {
    session: useEachSession(binding),
  };
  for (const name of Object.keys(emptyState) as (keyof ViewState)[]) {
    result[name] = useSelected<unknown>(binding, (state) => state[name], Object.is);
  }
  for (const name of actions) {
    const call = (...values: never[]) => (binding.value.session[name] as (...values: never[]) => unknown)(...values);
    result[name === 'setCursor' ? 'updateCursor' : name] = call;
  }
  return result as unknown as Collaboration<T>;
}

function useEachSession(binding: ReturnType<typeof useBinding>): ReadonlyRef<Session> {
  const session = shallowRef(binding.value.session);
  useEach(
    () => binding.value,
    (value) => {
      session.value = value.session;
      return () => {};
    },
  );
  return shallowReadonly(session);
}

/** The other users, or a value selected from them. By default lists and objects are compared by their entries. */
export function useOthers<T extends Types = Registered>(): ReadonlyRef<readonly User<T>[]>;
export function useOthers<V, T extends Types = Registered>(
  selector: (others: readonly User<T>[]) => V,
  isEqual?: IsEqual<V>,
): ReadonlyRef<V>;
export function useOthers(selector: (others: readonly User[]) => unknown = identity, isEqual?: IsEqual<unknown>) {
  return useSelected(useBinding(), ({ others }) => selector(others), isEqual);
}

/** This user as others see them, or a value selected from them; undefined until the session is joined. */
export function useSelf<T extends Types = Registered>(): ReadonlyRef<User<T> | undefined>;
export function useSelf<V, T extends Types = Registered>(
  selector: (self: User<T>) => V,
  isEqual?: IsEqual<V | undefined>,
): ReadonlyRef<V | undefined>;
export function useSelf(selector: (self: User) => unknown = identity, isEqual?: IsEqual<unknown>) {
  return useSelected(useBinding(), ({ self }) => self && selector(self), isEqual);
}

/** The cursors of the others, or a value selected from them. */
export function useCursors<T extends Types = Registered>(): ReadonlyRef<readonly UserCursor<T>[]>;
export function useCursors<V, T extends Types = Registered>(
  selector: (cursors: readonly UserCursor<T>[]) => V,
  isEqual?: IsEqual<V>,
): ReadonlyRef<V>;
export function useCursors(
  selector: (cursors: readonly UserCursor[]) => unknown = identity,
  isEqual?: IsEqual<unknown>,
) {
  return useSelected(useBinding(), ({ cursors }) => selector(cursors), isEqual);
}

/** The session of the nearest `SessionProvider`. The ref changes if the provider gets another session. */
export function useSession<T extends Types = Registered>(): ReadonlyRef<Session<T>> {
  return useEachSession(useBinding()) as unknown as ReadonlyRef<Session<T>>;
}

/** The state of the client's connection. */
export function useConnection(): ReadonlyRef<ClientState> {
  const client = useClient();
  const state = shallowRef(client.value.state);
  useEach(
    () => client.value,
    (present) => {
      state.value = present.state;
      return present.on('state', (next) => {
        state.value = next;
      });
    },
  );
  return shallowReadonly(state);
}

/** Returns the function that makes a guest the user of the token, and keeps them the same person; see `Client.signIn`. */
export function useSignIn(): () => Promise<void> {
  const client = useClient();
  return () => client.value.signIn();
}

/** Calls the listener with the ephemeral events of one name from others, while the component is mounted. */
export function useBroadcast<T extends Types = Registered, E extends BroadcastName<T> = BroadcastName<T>>(
  event: E,
  listener: (broadcast: Extract<Broadcast<T>, { event: E }>) => void,
): void {
  const binding = useBinding();
  const call = listener as (broadcast: Broadcast) => void;
  useEach(
    () => binding.value.session,
    (session) => session.on('broadcast', (broadcast) => broadcast.event === event && call(broadcast)),
  );
}

/** Calls the listener when another user leaves, with the cause. */
export function useLeaves<T extends Types = Registered>(listener: (leave: Leave<T>) => void): void {
  const binding = useBinding();
  useEach(
    () => binding.value.session,
    (session) => session.on('left', listener as unknown as (leave: Leave) => void),
  );
}

/**
 * Calls the listener with errors of the connection. Below a `SessionProvider` it also gets errors of the join and of changes that
 * the service refused.
 */
export function useErrors(listener: (error: RollcallError) => void): void {
  const client = useClient();
  const binding = useNearestBinding();
  if (binding)
    useEach(
      () => binding.value,
      ({ onError }) => onError(listener),
    );
  else
    useEach(
      () => client.value,
      ({ on }) => on('error', listener),
    );
}

/** The result of a query about the past. */
export interface HistoryAt {
  /** The stays of the users who were present; undefined until the answer came. */
  readonly stays: ReadonlyRef<readonly Stay[] | undefined>;
  readonly isLoading: ReadonlyRef<boolean>;
  readonly error: ReadonlyRef<unknown>;
}

/**
 * The users who were in the session at a time. It sends requests only in a browser.
 *
 * @param time Unix milliseconds; if undefined, nothing is requested.
 */
export function useHistoryAt(time: MaybeRefOrGetter<number | undefined>): HistoryAt {
  const binding = useBinding();
  const stays = shallowRef<readonly Stay[]>();
  const isLoading = shallowRef(false);
  const error = shallowRef<unknown>();
  const settle = (answer?: readonly Stay[], failure?: unknown) => {
    stays.value = answer;
    error.value = failure;
    isLoading.value = false;
  };
  // Never while rendering on a server.
  const ask = () =>
    useEach(
      () => [binding.value.session, toValue(time)] as const,
      ([session, at]) => {
        const controller = new AbortController();
        const { signal } = controller;
        settle();
        if (at !== undefined) {
          isLoading.value = true;
          session.presenceAt(at, { signal }).then(
            (answer) => signal.aborted || settle(answer),
            (failure: unknown) => signal.aborted || settle(undefined, failure),
          );
        }
        return () => controller.abort();
      },
    );
  onMounted(ask);
  return { stays, isLoading, error };
}
