import { createReader, isShallowEqual } from '../../../client/binding.ts';
import type { Session } from '../../../client/session-api.ts';
import type { SessionSnapshot } from '../../../client/types.ts';
import { type Adapter, createRecords, type Part, partsOf, type Tree } from './adapter.ts';

type Records = ReturnType<typeof createRecords>;

/** An application without a framework: it uses only `join`, `subscribe`, `getSnapshot` and `leave`. */
function show({ client, parts }: Tree, records: Records): () => Promise<void>[] {
  const stops = partsOf(parts).map((part, index) => {
    const { target, options } = part;
    const session = typeof target === 'string' ? client.join(target, options) : client.open(target.key, options);
    records.sessions[index] = session;
    const unsubscribe = [
      ...Object.entries(part.probes ?? {}).map(([name, probe]) => watch(session, name, probe)),
      session.on('left', (leave) => part.onLeave?.(leave)),
      session.on('error', (error) => part.onError?.(error)),
      session.on('broadcast', ({ event, payload }) => event === 'wave' && part.onWave?.(payload)),
    ];
    session.ready.catch((error) => part.onError?.(error));
    part.onMounted?.(session);
    return () => {
      for (const each of unsubscribe) each();
      return session.leave();
    };
  });
  return () => stops.map((stop) => stop());

  function watch(
    session: Session,
    name: string,
    { of, select, time }: NonNullable<Part['probes']>[string],
  ): () => void {
    if (of === 'connection') {
      records.record(name, client.state);
      return client.on('state', (state) => records.record(name, state));
    }
    if (of === 'history') {
      void session.presenceAt(time!).then((stays) => records.record(name, { stays, isLoading: false }));
      return () => {};
    }
    const choose = (snapshot: SessionSnapshot) => {
      const value = of === 'all' ? snapshot : snapshot[of];
      return select && value ? select(value as never) : value;
    };
    const read = createReader(choose, isShallowEqual);
    const look = () => {
      const value = read(session.getSnapshot());
      if (records.renders(name) === 0 || value !== records.shown(name)) records.record(name, value);
    };
    look();
    return session.subscribe(look);
  }
}

export const bareAdapter: Adapter = {
  act: (run) => run(),
  async mount(tree, { twice = false } = {}) {
    const records = createRecords();
    let shown = tree;
    let stop = show(tree, records);
    if (twice) {
      stop();
      stop = show(tree, records);
    }
    return {
      ...records,
      async update(next) {
        stop();
        stop = show(next, records);
        if (next.client !== shown.client) shown.client.close();
        shown = next;
      },
      unmount: async () => void (await Promise.all(stop())),
    };
  },
};
