import { createApp, createSSRApp, defineComponent, h, nextTick, onMounted, type PropType, shallowRef } from 'vue';
import {
  RollcallProvider,
  SessionProvider,
  useBroadcast,
  useCollaboration,
  useConnection,
  useCursors,
  useErrors,
  useHistoryAt,
  useLeaves,
  useOthers,
  useSelf,
  useSession,
} from '../../../client/vue/index.ts';
import { type Adapter, createRecords, type Part, type Probe, partsOf, type Tree } from './adapter.ts';

type Records = ReturnType<typeof createRecords>;

/** The result of each composable as one value; the refs of an object are read separately. */
const composables: Record<Probe['of'], (probe: Probe) => () => unknown> = {
  all: () => readAll(useCollaboration()),
  others: ({ select }) => read(select ? useOthers(select as () => unknown) : useOthers()),
  self: ({ select }) => read(select ? useSelf(select as () => unknown) : useSelf()),
  cursors: ({ select }) => read(select ? useCursors(select as () => unknown) : useCursors()),
  connection: () => read(useConnection()),
  history: ({ time }) => readAll(useHistoryAt(time)),
};
const read = (ref: { value: unknown }) => () => ref.value;
const readAll = (refs: object) => () =>
  Object.fromEntries(
    Object.entries(refs).map(([name, ref]) => [
      name,
      ref && typeof ref === 'object' && 'value' in ref ? ref.value : ref,
    ]),
  );

const ProbeView = defineComponent({
  props: {
    name: { type: String, required: true },
    probe: { type: Object as PropType<Probe>, required: true },
    records: { type: Object as PropType<Records>, required: true },
  },
  setup({ name, probe, records }) {
    const value = composables[probe.of](probe);
    return () => {
      records.record(name, value());
      return null;
    };
  },
});

const Listener = defineComponent({
  props: {
    part: { type: Object as PropType<Part>, required: true },
    index: { type: Number, required: true },
    records: { type: Object as PropType<Records>, required: true },
  },
  setup(props) {
    const session = useSession();
    useLeaves((leave) => props.part.onLeave?.(leave));
    useErrors((error) => props.part.onError?.(error));
    useBroadcast('wave', ({ payload }) => props.part.onWave?.(payload));
    onMounted(() => props.part.onMounted?.(session.value));
    return () => {
      props.records.sessions[props.index] = session.value;
      return null;
    };
  },
});

function viewOf({ client, parts }: Tree, records: Records) {
  const all = partsOf(parts);
  const viewOfPart = (part: Part): ReturnType<typeof h> => {
    const { target, options, probes = {}, inside = [] } = part;
    const which = typeof target === 'string' ? { sessionId: target } : { sessionKey: target.key };
    const index = all.indexOf(part);
    return h(SessionProvider, { ...which, ...options, key: index }, () => [
      h(Listener, { key: 'listener', part, index, records }),
      ...Object.entries(probes).map(([name, probe]) => h(ProbeView, { key: name, name, probe, records })),
      ...inside.map(viewOfPart),
    ]);
  };
  return h(RollcallProvider, { client: client as never }, () => parts.map(viewOfPart));
}

export const vueAdapter: Adapter = {
  async act(run) {
    const result = await run();
    await nextTick();
    return result;
  },
  async mount(tree, { twice = false } = {}) {
    const records = createRecords();
    const shown = shallowRef(tree);
    const start = () => {
      const app = createApp(() => viewOf(shown.value, records));
      app.mount(document.createElement('div'));
      return app;
    };
    let app = start();
    if (twice) {
      app.unmount();
      app = start();
    }
    return {
      ...records,
      async update(next) {
        shown.value = next;
        await nextTick();
      },
      async unmount() {
        app.unmount();
        await nextTick();
      },
    };
  },
  async renderOnServer(tree) {
    const { renderToString } = await import('vue/server-renderer');
    return renderToString(createSSRApp(() => viewOf(tree, createRecords())));
  },
};
