import { act, createElement, Fragment, type ReactNode, StrictMode, useEffect } from 'react';
import { createRoot } from 'react-dom/client';
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
} from '../../../client/react/index.ts';
import { type Adapter, createRecords, type Part, type Probe, partsOf, type Tree } from './adapter.ts';

type Records = ReturnType<typeof createRecords>;

Object.assign(globalThis, { IS_REACT_ACT_ENVIRONMENT: true });

const hooks: Record<Probe['of'], (probe: Probe) => unknown> = {
  all: () => useCollaboration(),
  others: ({ select }) => (select ? useOthers(select as () => unknown) : useOthers()),
  self: ({ select }) => (select ? useSelf(select as () => unknown) : useSelf()),
  cursors: ({ select }) => (select ? useCursors(select as () => unknown) : useCursors()),
  connection: () => useConnection(),
  history: ({ time }) => useHistoryAt(time),
};

function ProbeView({ name, probe, records }: { name: string; probe: Probe; records: Records }) {
  const value = hooks[probe.of](probe);
  records.record(name, value);
  return null;
}

function Listener({ part, index, records }: { part: Part; index: number; records: Records }) {
  const session = useSession();
  records.sessions[index] = session;
  useLeaves((leave) => part.onLeave?.(leave));
  useErrors((error) => part.onError?.(error));
  useBroadcast('wave', ({ payload }) => part.onWave?.(payload));
  useEffect(() => part.onMounted?.(session), [session, part]);
  return null;
}

/** The element of a tree. */
export function elementOf({ client, parts }: Tree, records: Records): ReactNode {
  const all = partsOf(parts);
  const elementOfPart = (part: Part): ReactNode => {
    const { target, options, probes = {}, inside = [] } = part;
    const which = typeof target === 'string' ? { sessionId: target } : { sessionKey: target.key };
    const index = all.indexOf(part);
    const views = Object.entries(probes).map(([name, probe]) =>
      createElement(ProbeView, { key: name, name, probe, records }),
    );
    const listener = createElement(Listener, { key: 'listener', part, index, records });
    return createElement(
      SessionProvider,
      { ...which, ...options, key: index },
      listener,
      views,
      inside.map(elementOfPart),
    );
  };
  return createElement(RollcallProvider, { client }, parts.map(elementOfPart));
}

export const reactAdapter: Adapter = {
  act: async (run) => {
    let result: Awaited<ReturnType<typeof run>>;
    await act(async () => {
      result = await run();
    });
    return result!;
  },
  async mount(tree, { twice = false } = {}) {
    const records = createRecords();
    const root = createRoot(document.createElement('div'));
    const render = (next: Tree) =>
      act(async () => root.render(createElement(twice ? StrictMode : Fragment, null, elementOf(next, records))));
    await render(tree);
    return { ...records, update: render, unmount: () => act(async () => root.unmount()) };
  },
  async renderOnServer(tree) {
    const { renderToString } = await import('react-dom/server');
    return renderToString(elementOf(tree, createRecords()));
  },
};
