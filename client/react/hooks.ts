import { useCallback, useEffect, useRef, useState, useSyncExternalStore } from 'react';
import type { Stay } from '../../protocol/entities.ts';
import type { SessionTarget, ViewState } from '../binding.ts';
import type { OpenOptions } from '../client-api.ts';
import type { RollcallError } from '../errors.ts';
import type { ClientState } from '../machine.ts';
import type { Session } from '../session-api.ts';
import type { Broadcast, BroadcastName, Leave, Registered, Types, User, UserCursor } from '../types.ts';
import { useBinding, useClient, useNearestBinding, useOwnBinding, useSelected } from './context.ts';

type IsEqual<V> = (one: V, other: V) => boolean;

/** What `useCollaboration` gives: what is shown, and the functions that change it, which stay the same. */
export interface Collaboration<T extends Types = Registered>
  extends ViewState<T>,
    Pick<Session<T>, 'setStatus' | 'setActivity' | 'setData' | 'broadcast' | 'logActivity' | 'leave'> {
  readonly session: Session<T>;
  /** Says where this person points; `null`: nowhere. */
  readonly updateCursor: Session<T>['setCursor'];
}

const identity = <V>(value: V) => value;

/**
 * Joins a session while the component is mounted, and shows all of it. Heartbeats, the change to away and reconnects
 * happen by themselves. The component renders with every change, cursors included; the other hooks select.
 *
 * @param target an id or name, or `{ key }`; the session of the nearest `SessionProvider` where it is absent.
 * @param options how to join, where this is the component that joins.
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

/** The others in the session, or what is selected of them. By default lists and objects are compared by their entries. */
export function useOthers<T extends Types = Registered>(): readonly User<T>[];
export function useOthers<V, T extends Types = Registered>(
  selector: (others: readonly User<T>[]) => V,
  isEqual?: IsEqual<V>,
): V;
export function useOthers(selector: (others: readonly User[]) => unknown = identity, isEqual?: IsEqual<unknown>) {
  const select = useCallback(({ others }: ViewState) => selector(others), [selector]);
  return useSelected(useBinding(), select, isEqual);
}

/** This person as the others see them, or what is selected of them; undefined until the session is joined. */
export function useSelf<T extends Types = Registered>(): User<T> | undefined;
export function useSelf<V, T extends Types = Registered>(
  selector: (self: User<T>) => V,
  isEqual?: IsEqual<V | undefined>,
): V | undefined;
export function useSelf(selector: (self: User) => unknown = identity, isEqual?: IsEqual<unknown>) {
  const select = useCallback(({ self }: ViewState) => self && selector(self), [selector]);
  return useSelected(useBinding(), select, isEqual);
}

/** Where the others point, or what is selected of it. */
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

/** The session of the nearest `SessionProvider`. It is the same object from the first render on. */
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

/** A function that always calls the latest listener, so that a new one does not subscribe again. */
function useLatest<V>(listener: (value: V) => void): (value: V) => void {
  const latest = useRef(listener);
  useEffect(() => {
    latest.current = listener;
  });
  return useCallback((value) => latest.current(value), []);
}

/** Hears the ephemeral events of one name that others send while the component is mounted. */
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

/** Hears who leaves, and why. */
export function useLeaves<T extends Types = Registered>(listener: (leave: Leave<T>) => void): void {
  const { session } = useBinding();
  const call = useLatest(listener as unknown as (leave: Leave) => void);
  useEffect(() => session.on('left', call), [session, call]);
}

/**
 * Hears failures: of the connection, and where a `SessionProvider` is around, of joining and of changes that the service
 * refused.
 */
export function useErrors(listener: (error: RollcallError) => void): void {
  const client = useClient();
  const binding = useNearestBinding();
  const call = useLatest(listener);
  useEffect(() => (binding ? binding.onError(call) : client.on('error', call)), [client, binding, call]);
}

/** The answer to a question about the past. */
export interface HistoryAt {
  /** Who was there; undefined until the answer came. */
  readonly stays: readonly Stay[] | undefined;
  readonly isLoading: boolean;
  readonly error: unknown;
}

const nothing: HistoryAt = { stays: undefined, isLoading: false, error: undefined };
const loading: HistoryAt = { ...nothing, isLoading: true };

/**
 * Who was in the session at a moment.
 *
 * @param time Unix milliseconds; undefined asks nothing.
 */
export function useHistoryAt(time: number | undefined): HistoryAt {
  const { session } = useBinding();
  const [answer, setAnswer] = useState(nothing);
  const [asked, setAsked] = useState<number>();
  useEffect(() => {
    if (time === undefined) return;
    const controller = new AbortController();
    const settle = (part: Partial<HistoryAt>) => {
      if (controller.signal.aborted) return;
      setAnswer({ ...nothing, ...part });
      setAsked(time);
    };
    session.presenceAt(time, { signal: controller.signal }).then(
      (stays) => settle({ stays }),
      (error: unknown) => settle({ error }),
    );
    return () => controller.abort();
  }, [session, time]);
  if (time === undefined) return nothing;
  return asked === time ? answer : loading;
}
