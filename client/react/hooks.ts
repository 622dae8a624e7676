import { useCallback, useEffect, useRef, useState, useSyncExternalStore } from 'react';
import type { Stay } from '../../protocol/entities.ts';
import type { SessionTarget, ViewState } from '../binding.ts';
import type { OpenOptions } from '../client-api.ts';
import type { ClientState } from '../client-state.ts';
import type { RollcallError } from '../errors.ts';
import type { Session } from '../session-api.ts';
import type { Broadcast, BroadcastName, Leave, Registered, Types, User, UserCursor } from '../types.ts';
import { useBinding, useClient, useNearestBinding, useOwnBinding, useSelected } from './context.ts';

type IsEqual<V> = (one: V, other: V) => boolean;

/** The result of `useCollaboration`: the state, and functions that change it; the functions stay the same. */
export interface Collaboration<T extends Types = Registered>
  extends ViewState<T>,
    Pick<Session<T>, 'setStatus' | 'setActivity' | 'setData' | 'broadcast' | 'logActivity' | 'leave'> {
  readonly session: Session<T>;
  /** Sets the cursor of this user; `null` removes it. */
  readonly updateCursor: Session<T>['setCursor'];
}

const identity = <V>(value: V) => value;

/**
 * Joins a session while the component is mounted, and returns its whole state. Heartbeats, the change to away and reconnects
 * are automatic. The component renders at each change, including cursors; the other hooks select a part.
 *
 * @param target an id or name, or `{ key }`; by default the session of the nearest `SessionProvider`.
 * @param options how to join, if this component joins the session.
 */
export function useCollaboration<T extends Types = Registered>(
  target?: SessionTarget,
  options: OpenOptions<T> = {},
): Collaboration<T> {
  const own = useOwnBinding(target, options as OpenOptions);
  const nearest = useNearestBinding();
  const binding = own ?? nearest;
  if (!binding)
    throw new Error('useCollaboration needs a session: an id, a { key }, or a <SessionProvider> around it.');
  const state = useSelected(binding, identity);
  const { session } = binding;
  const { setStatus, setActivity, setData, setCursor: updateCursor, broadcast, logActivity, leave } = session;
  const actions = { session, setStatus, setActivity, setData, updateCursor, broadcast, logActivity, leave };
  return { ...state, ...actions } as unknown as Collaboration<T>;
}

/** The other users, or a value selected from them. By default lists and objects are compared by their entries. */
export function useOthers<T extends Types = Registered>(): readonly User<T>[];
export function useOthers<V, T extends Types = Registered>(
  selector: (others: readonly User<T>[]) => V,
  isEqual?: IsEqual<V>,
): V;
export function useOthers(selector: (others: readonly User[]) => unknown = identity, isEqual?: IsEqual<unknown>) {
  const select = useCallback(({ others }: ViewState) => selector(others), [selector]);
  return useSelected(useBinding(), select, isEqual);
}

/** This user as others see them, or a value selected from them; undefined until the session is joined. */
export function useSelf<T extends Types = Registered>(): User<T> | undefined;
export function useSelf<V, T extends Types = Registered>(
  selector: (self: User<T>) => V,
  isEqual?: IsEqual<V | undefined>,
): V | undefined;
export function useSelf(selector: (self: User) => unknown = identity, isEqual?: IsEqual<unknown>) {
  const select = useCallback(({ self }: ViewState) => self && selector(self), [selector]);
  return useSelected(useBinding(), select, isEqual);
}

/** The cursors of the others, or a value selected from them. */
export function useCursors<T extends Types = Registered>(): readonly UserCursor<T>[];
export function useCursors<V, T extends Types = Registered>(
  selector: (cursors: readonly UserCursor<T>[]) => V,
  isEqual?: IsEqual<V>,
): V;
export function useCursors(
  selector: (cursors: readonly UserCursor[]) => unknown = identity,
  isEqual?: IsEqual<unknown>,
) {
  const select = useCallback(({ cursors }: ViewState) => selector(cursors), [selector]);
  return useSelected(useBinding(), select, isEqual);
}

/** The session of the nearest `SessionProvider`; the same object since the first render. */
export function useSession<T extends Types = Registered>(): Session<T> {
  return useBinding().session as unknown as Session<T>;
}

/** The state of the client's connection. */
export function useConnection(): ClientState {
  const client = useClient();
  const subscribe = useCallback((listener: () => void) => client.on('state', listener), [client]);
  return useSyncExternalStore(
    subscribe,
    () => client.state,
    () => 'idle',
  );
}

/** Returns the function that makes a guest the user of the token, and keeps them the same person; see `Client.signIn`. */
export function useSignIn(): () => Promise<void> {
  return useClient().signIn;
}

/** A constant function that calls the latest listener, so that a new listener needs no new subscription. */
function useLatest<V>(listener: (value: V) => void): (value: V) => void {
  const latest = useRef(listener);
  useEffect(() => {
    latest.current = listener;
  });
  return useCallback((value) => latest.current(value), []);
}

/** Calls the listener with the ephemeral events of one name from others, while the component is mounted. */
export function useBroadcast<T extends Types = Registered, E extends BroadcastName<T> = BroadcastName<T>>(
  event: E,
  listener: (broadcast: Extract<Broadcast<T>, { event: E }>) => void,
): void {
  const { session } = useBinding();
  const call = useLatest(listener as (broadcast: Broadcast) => void);
  useEffect(
    () => session.on('broadcast', (broadcast) => broadcast.event === event && call(broadcast)),
    [session, event, call],
  );
}

/** Calls the listener when another user leaves, with the cause. */
export function useLeaves<T extends Types = Registered>(listener: (leave: Leave<T>) => void): void {
  const { session } = useBinding();
  const call = useLatest(listener as unknown as (leave: Leave) => void);
  useEffect(() => session.on('left', call), [session, call]);
}

/**
 * Calls the listener with errors of the connection. Below a `SessionProvider` it also gets errors of the join and of changes that
 * the service refused.
 */
export function useErrors(listener: (error: RollcallError) => void): void {
  const client = useClient();
  const binding = useNearestBinding();
  const call = useLatest(listener);
  useEffect(() => (binding ? binding.onError(call) : client.on('error', call)), [client, binding, call]);
}

/** The result of a query about the past. */
export interface HistoryAt {
  /** The stays of the users who were present; undefined until the answer came. */
  readonly stays: readonly Stay[] | undefined;
  readonly isLoading: boolean;
  readonly error: unknown;
}

const nothing: HistoryAt = { stays: undefined, isLoading: false, error: undefined };
const loading: HistoryAt = { ...nothing, isLoading: true };

/**
 * The users who were in the session at a time.
 *
 * @param time Unix milliseconds; if undefined, nothing is requested.
 */
export function useHistoryAt(time: number | undefined): HistoryAt {
  const { session } = useBinding();
  const [known, setKnown] = useState<{ session: Session; time: number; answer: HistoryAt }>();
  useEffect(() => {
    if (time === undefined) return;
    const controller = new AbortController();
    const settle = (part: Partial<HistoryAt>) => {
      if (!controller.signal.aborted) setKnown({ session, time, answer: { ...nothing, ...part } });
    };
    session.presenceAt(time, { signal: controller.signal }).then(
      (stays) => settle({ stays }),
      (error: unknown) => settle({ error }),
    );
    return () => controller.abort();
  }, [session, time]);
  if (time === undefined) return nothing;
  return known?.session === session && known.time === time ? known.answer : loading;
}
