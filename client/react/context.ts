import {
  createContext,
  createElement,
  type ReactNode,
  useContext,
  useEffect,
  useLayoutEffect,
  useMemo,
  useRef,
  useSyncExternalStore,
} from 'react';
import {
  type Binding,
  createBinding,
  createReader,
  emptyState,
  isShallowEqual,
  type SessionTarget,
  type ViewState,
} from '../binding.ts';
import type { Client, OpenOptions } from '../client-api.ts';
import type { Registered, Types } from '../types.ts';

const ClientContext = createContext<Client | undefined>(undefined);
const BindingContext = createContext<Binding | undefined>(undefined);

/** React on a server warns about layout effects and does not run them. */
const useMountEffect = typeof document === 'undefined' ? useEffect : useLayoutEffect;

/** The properties of {@link RollcallProvider}. */
export interface RollcallProviderProps<T extends Types = Registered> {
  client: Client<T>;
  children?: ReactNode;
}

/**
 * Provides the client for the hooks below it. The first session opens the connection. If the prop changes to another client, for
 * example when another user signs in, the earlier client is closed.
 */
export function RollcallProvider<T extends Types = Registered>({ client, children }: RollcallProviderProps<T>) {
  const used = useRef(client);
  useEffect(() => {
    if (used.current !== client) used.current.close();
    used.current = client;
  }, [client]);
  return createElement(ClientContext.Provider, { value: client as unknown as Client }, children);
}

export function useClient(): Client {
  const client = useContext(ClientContext);
  if (!client) throw new Error('This hook needs a <RollcallProvider> around its component.');
  return client;
}

/** The session of the nearest provider; undefined without a provider. */
export const useNearestBinding = () => useContext(BindingContext);

export function useBinding(): Binding {
  const binding = useNearestBinding();
  if (!binding) throw new Error('This hook needs a <SessionProvider> around its component.');
  return binding;
}

/** A session that is joined while the component is mounted; undefined without a target. */
export function useOwnBinding(target: SessionTarget | undefined, options: OpenOptions): Binding | undefined {
  const client = useContext(ClientContext);
  if (target !== undefined && !client) throw new Error('A session needs a <RollcallProvider> around its component.');
  const latest = useRef(options);
  // The effect depends on the parts of the target, because the application may pass a new object with each render.
  const isKey = typeof target === 'object';
  const id = isKey ? target.key : target;
  const binding = useMemo(() => {
    if (id === undefined) return undefined;
    return createBinding(client!, isKey ? { key: id } : id, () => latest.current);
  }, [client, id, isKey]);
  useMountEffect(() => {
    latest.current = options;
  });
  useMountEffect(() => {
    binding?.mount();
    return binding?.unmount;
  }, [binding]);
  return binding;
}

/** A value selected from a session's state; the component renders again only when the value changes. */
export function useSelected<V>(
  binding: Binding,
  select: (state: ViewState) => V,
  isEqual: (one: V, other: V) => boolean = isShallowEqual,
): V {
  const shown = useRef<{ value: V }>(undefined);
  const read = useMemo(() => createReader(select, isEqual, shown.current), [select, isEqual]);
  const value = useSyncExternalStore(
    binding.subscribe,
    () => read(binding.getState()),
    () => read(emptyState),
  );
  useEffect(() => {
    shown.current = { value };
  }, [value]);
  return value;
}

export interface SessionProviderProps<T extends Types = Registered> extends OpenOptions<T> {
  /** The UUID or the name of an existing session. */
  sessionId?: string;
  /** Instead of `sessionId`: the application's own id of the subject of the session. */
  sessionKey?: string;
  /** Shown until the session is joined; by default the children. */
  fallback?: ReactNode;
  children?: ReactNode;
}

/** Joins a session while it is mounted, and provides it for the hooks below. */
export function SessionProvider<T extends Types = Registered>(props: SessionProviderProps<T>) {
  const { sessionId, sessionKey, fallback, children, ...options } = props;
  const target = sessionKey === undefined ? sessionId : { key: sessionKey };
  if (target === undefined) throw new Error('<SessionProvider> needs a sessionId or a sessionKey.');
  const binding = useOwnBinding(target, options as OpenOptions)!;
  const isWaiting = useSelected(binding, isJoining) && fallback !== undefined;
  return createElement(BindingContext.Provider, { value: binding }, isWaiting ? fallback : children);
}

const isJoining = ({ state, error }: ViewState) => state === 'joining' && !error;
