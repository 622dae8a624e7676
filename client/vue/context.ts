import {
  defineComponent,
  type InjectionKey,
  inject,
  type MaybeRefOrGetter,
  onMounted,
  onScopeDispose,
  type PropType,
  provide,
  type ShallowRef,
  shallowReadonly,
  shallowRef,
  toValue,
  watch,
} from 'vue';
import type { Status } from '../../protocol/entities.ts';
import {
  type Binding,
  createBinding,
  createReader,
  isShallowEqual,
  nameOf,
  type SessionTarget,
  type ViewState,
} from '../binding.ts';
import type { Client, OpenOptions } from '../client-api.ts';
import type { Registered, Types } from '../types.ts';

/** A reactive value that a composable returns. */
export type ReadonlyRef<V> = Readonly<ShallowRef<V>>;
/** A ref to a value that can be replaced by another one, such as the client of a provider. */
export type Current<V> = ReadonlyRef<V>;

const clientKey: InjectionKey<Current<Client>> = Symbol('rollcall client');
const bindingKey: InjectionKey<Current<Binding>> = Symbol('rollcall session');

/**
 * Provides the client for the composables of this component's descendants. The first session opens the connection. If the client
 * is replaced by another one, it is closed.
 */
export function provideRollcall<T extends Types = Registered>(client: MaybeRefOrGetter<Client<T>>): void {
  const given = () => toValue(client) as unknown as Client;
  const current = shallowRef(given());
  provide(clientKey, current);
  watch(given, (next, before) => {
    current.value = next;
    // The sessions of the earlier client are left first.
    queueMicrotask(() => before.close());
  });
}

export function useClient(): Current<Client> {
  const client = inject(clientKey, undefined);
  if (!client) throw new Error('This composable needs a <RollcallProvider> around its component.');
  return client;
}

export const useNearestBinding = () => inject(bindingKey, undefined);

export function useBinding(): Current<Binding> {
  const binding = useNearestBinding();
  if (!binding) throw new Error('This composable needs a <SessionProvider> around its component.');
  return binding;
}

/** A session that is joined while the component is mounted. */
export function useOwnBinding(target: () => SessionTarget, options: () => OpenOptions): Current<Binding> {
  const client = useClient();
  const create = () => createBinding(client.value, target(), options);
  const binding = shallowRef(create());
  let isMounted = false;
  watch(
    [client, () => nameOf(target())],
    () => {
      binding.value.unmount();
      binding.value = create();
      if (isMounted) binding.value.mount();
    },
    { flush: 'sync' },
  );
  onMounted(() => {
    isMounted = true;
    binding.value.mount();
  });
  onScopeDispose(() => {
    isMounted = false;
    binding.value.unmount();
  });
  return binding;
}

/** Runs `start` for the present value and each later one. The function that it returned runs before the next start and at the end. */
export function useEach<V>(current: () => V, start: (value: V) => () => void): void {
  watch(current, (value, _, onCleanup) => onCleanup(start(value)), { immediate: true, flush: 'sync' });
}

/** A value selected from a session's state; the ref changes only when the value changes. */
export function useSelected<V>(
  binding: Current<Binding>,
  select: (state: ViewState) => V,
  isEqual: (one: V, other: V) => boolean = isShallowEqual,
): ReadonlyRef<V> {
  const read = createReader(select, isEqual);
  const selected = shallowRef(read(binding.value.getState()));
  useEach(
    () => binding.value,
    ({ getState, subscribe }) => {
      const update = () => {
        selected.value = read(getState());
      };
      update();
      return subscribe(update);
    },
  );
  return shallowReadonly(selected);
}

/** Joins a session while this component is mounted, and provides it for the composables of its descendants. */
export function provideSession<T extends Types = Registered>(
  target: MaybeRefOrGetter<SessionTarget>,
  options: MaybeRefOrGetter<OpenOptions<T>> = {},
): Current<Binding> {
  const binding = useOwnBinding(
    () => toValue(target),
    () => toValue(options) as OpenOptions,
  );
  provide(bindingKey, binding);
  return binding;
}

/** `provideRollcall` as a component: `<RollcallProvider :client="client">`. */
export const RollcallProvider = defineComponent({
  name: 'RollcallProvider',
  props: { client: { type: Object as PropType<Client<never>>, required: true } },
  setup(props, { slots }) {
    provideRollcall(() => props.client as unknown as Client);
    return () => slots['default']?.();
  },
});

/**
 * `provideSession` as a component, by `session-id` or `session-key`. The slot `fallback` is shown until the session is
 * joined.
 */
export const SessionProvider = defineComponent({
  name: 'SessionProvider',
  props: {
    sessionId: String,
    sessionKey: String,
    invite: String,
    data: Object,
    metadata: Object,
    status: String as PropType<Status>,
    activity: String,
  },
  setup(props, { slots }) {
    const target = () => {
      const { sessionId, sessionKey } = props;
      if (sessionKey !== undefined) return { key: sessionKey };
      if (sessionId === undefined) throw new Error('<SessionProvider> needs a session-id or a session-key.');
      return sessionId;
    };
    const binding = provideSession(target, () => {
      const { invite, data, metadata, status, activity } = props;
      return { invite, data, metadata, status, activity };
    });
    const isWaiting = useSelected(binding, ({ state, error }) => state === 'joining' && !error);
    return () => (isWaiting.value && slots['fallback'] ? slots['fallback']() : slots['default']?.());
  },
});
