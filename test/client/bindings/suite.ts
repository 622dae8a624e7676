import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { type Client, RollcallError } from '../../../client/index.ts';
import { createTestRollcall, type TestRollcall } from '../../../client/testing/index.ts';
import type { User, UserCursor } from '../../../client/types.ts';
import type { Adapter, Mounted, Part } from './adapter.ts';

/** A test case that must pass with each framework. */
interface Case {
  title: string;
  /** @param place trees of `mountOnly` are unmounted by the case, trees of the adapter after the case. */
  run(place: { adapter: Adapter; mountOnly: Adapter['mount']; rollcall: TestRollcall }): Promise<void>;
}

const target = { key: 'doc' };
const count = (others: readonly User[]) => others.length;
const names = (others: readonly User[]) => others.map(({ username }) => username);

/** Joins another user without a view. */
async function arrive(rollcall: TestRollcall, user: string, key = 'doc') {
  const client = rollcall.client(user);
  const session = client.open(key);
  await session.ready;
  await rollcall.advance(200);
  return { client, session };
}

const framesOf = (rollcall: TestRollcall, userId: string, ...types: string[]) =>
  rollcall.service.frames.filter((each) => each.userId === userId && types.includes(each.frame.type));

setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc') as () => void;
function heapBytes(): number {
  collect();
  return process.memoryUsage().heapUsed;
}

const cases: Case[] = [
  {
    title: '[row 27] mounting twice as in StrictMode causes one handshake, one join and no leave',
    async run({ adapter, rollcall }) {
      const ada = await arrive(rollcall, 'ada');
      const seen: string[] = [];
      ada.session.on('joined', () => seen.push('joined'));
      ada.session.on('left', () => seen.push('left'));
      const client = rollcall.client('bob');
      const view = await adapter.mount(
        { client, parts: [{ target, probes: { others: { of: 'others', select: count } } }] },
        { twice: true },
      );
      await adapter.act(() => rollcall.advance(5000));
      expect(view.shown('others')).toBe(1);
      expect(rollcall.device(client).dials).toBe(1);
      expect(framesOf(rollcall, 'bob', 'session_open')).toHaveLength(1);
      expect(framesOf(rollcall, 'bob', 'session_leave')).toEqual([]);
      expect(seen).toEqual(['joined']);
      await view.unmount();
      await rollcall.advance(5000);
      expect(seen).toEqual(['joined', 'left']);
    },
  },
  {
    title: '[row 28] a session with two components is left when the second one is unmounted',
    async run({ adapter, rollcall }) {
      const ada = await arrive(rollcall, 'ada');
      const client = rollcall.client('bob');
      const both = [{ target }, { target }];
      const view = await adapter.mount({ client, parts: both });
      await adapter.act(() => rollcall.advance(200));
      expect(ada.session.others).toHaveLength(1);
      await view.update({ client, parts: [both[0]!] });
      await adapter.act(() => rollcall.advance(20_000));
      expect(ada.session.others).toHaveLength(1);
      expect(view.session(0).state).toBe('joined');
      await view.unmount();
      await rollcall.advance(5000);
      expect(ada.session.others).toEqual([]);
    },
  },
  {
    title: '[row 28] leaving and then unmounting counts as one leave of the caller',
    async run({ adapter, rollcall }) {
      const ada = await arrive(rollcall, 'ada');
      const client = rollcall.client('bob');
      const other = client.open('doc');
      const view = await adapter.mount({ client, parts: [{ target }] });
      await adapter.act(() => rollcall.advance(200));
      await adapter.act(() => view.session().leave());
      if (adapter.renderOnServer) await view.unmount();
      await rollcall.advance(20_000);
      expect(ada.session.others).toHaveLength(1);
      await other.leave();
      await rollcall.advance(5000);
      expect(ada.session.others).toEqual([]);
    },
  },
  {
    title: '[row 29] a component renders once for each state',
    async run({ adapter, rollcall }) {
      await arrive(rollcall, 'ada');
      const client = rollcall.client('bob');
      const probes: Part['probes'] = { all: { of: 'all' }, others: { of: 'others' }, self: { of: 'self' } };
      const view = await adapter.mount({ client, parts: [{ target, probes }] });
      await adapter.act(() => rollcall.advance(0));
      expect(view.all('all')).toMatchObject([
        { state: 'joining', isStale: false, others: [], self: undefined },
        { state: 'joined', isStale: false, others: [{ username: 'ada' }], self: { username: 'bob' } },
      ]);
      expect(view.all('others')).toMatchObject([[], [{ username: 'ada' }]]);
      expect([view.renders('all'), view.renders('others'), view.renders('self')]).toEqual([2, 2, 2]);
      await adapter.act(() => rollcall.advance(30_000));
      expect([view.renders('all'), view.renders('others'), view.renders('self')]).toEqual([2, 2, 2]);
    },
  },
  {
    title: '[row 30] a component that does not select cursors does not render for 100 cursor frames',
    async run({ adapter, rollcall }) {
      const ada = await arrive(rollcall, 'ada');
      const client = rollcall.client('bob');
      const probes: Part['probes'] = {
        count: { of: 'others', select: count },
        names: { of: 'others', select: names },
        self: { of: 'self' },
        role: { of: 'self', select: ({ role }: User) => role },
        connection: { of: 'connection' },
        cursors: { of: 'cursors', select: (cursors: readonly UserCursor[]) => cursors[0]?.cursor['x'] },
      };
      const view = await adapter.mount({ client, parts: [{ target, probes }] });
      await adapter.act(() => rollcall.advance(1000));
      const quiet = ['count', 'names', 'self', 'role', 'connection'];
      const before = quiet.map(view.renders);
      const moved = view.renders('cursors');
      for (let x = 1; x <= 100; x += 1) {
        ada.session.setCursor({ x });
        await adapter.act(() => rollcall.advance(100));
      }
      await adapter.act(() => rollcall.advance(1000));
      expect(view.shown('cursors')).toBe(100);
      expect(view.renders('cursors') - moved).toBe(100);
      expect(quiet.map(view.renders)).toEqual(before);
      expect([view.shown('count'), view.shown('names'), view.shown('role')]).toEqual([1, ['ada'], 'viewer']);
    },
  },
  {
    title: '[row 32] a component uses the session of the nearest provider',
    async run({ adapter, rollcall }) {
      await arrive(rollcall, 'ada', 'outer');
      await arrive(rollcall, 'cleo', 'inner');
      const client = rollcall.client('bob');
      const inner: Part = { target: { key: 'inner' }, probes: { inner: { of: 'others', select: names } } };
      const outer: Part = {
        target: { key: 'outer' },
        probes: { outer: { of: 'others', select: names } },
        inside: [inner],
      };
      const view = await adapter.mount({ client, parts: [outer] });
      await adapter.act(() => rollcall.advance(200));
      expect([view.shown('outer'), view.shown('inner')]).toEqual([['ada'], ['cleo']]);
      expect(view.session(0).id).not.toBe(view.session(1).id);
    },
  },
  {
    title: '[row 33] rendering on a server opens no socket and shows an empty session',
    async run({ adapter, rollcall }) {
      const client = rollcall.client('bob');
      const probes: Part['probes'] = { all: { of: 'all' }, history: { of: 'history', time: 1 } };
      await adapter.renderOnServer?.({ client, parts: [{ target, probes }] });
      await rollcall.advance(1000);
      expect(client.state).toBe('idle');
      expect(rollcall.device(client).dials).toBe(0);
    },
  },
  {
    title: '[row 33] [row 34] 20 hot reloads, each with a new client, leave one connection',
    async run({ adapter, rollcall }) {
      const ada = await arrive(rollcall, 'ada');
      const clients = Array.from({ length: 21 }, () => rollcall.client('bob'));
      const part: Part = { target, probes: { others: { of: 'others', select: names } } };
      const view = await adapter.mount({ client: clients[0]!, parts: [part] });
      for (const client of clients.slice(1)) {
        await adapter.act(() => rollcall.advance(50));
        await view.update({ client, parts: [part] });
      }
      await adapter.act(() => rollcall.advance(20_000));
      expect(clients.map(({ state }) => state)).toEqual([...Array(20).fill('closed'), 'open']);
      expect(ada.session.others.map(({ connections }) => connections)).toEqual([1]);
      expect(view.shown('others')).toEqual(['ada']);
      expect(clients.slice(0, 20).map((client) => rollcall.device(client).held)).toEqual(Array(20).fill(0));
    },
  },
  {
    title: '[row 35] heap, timers and listeners do not grow over 1,000 mounts',
    async run({ mountOnly: mount, rollcall }) {
      const client = rollcall.client('bob');
      const keep = client.open('doc');
      await keep.ready;
      const probes: Part['probes'] = { all: { of: 'all' }, others: { of: 'others', select: names } };
      const round = async () => {
        const view = await mount({ client, parts: [{ target, probes }] });
        expect(view.shown('all')).toMatchObject({ state: 'joined' });
        await view.unmount();
        rollcall.service.frames.length = 0;
      };
      for (let warm = 0; warm < 1000; warm += 1) await round();
      await rollcall.advance(1000);
      const { held } = rollcall.device(client);
      const heap = heapBytes();
      for (let mounts = 0; mounts < 1000; mounts += 1) await round();
      await rollcall.advance(1000);
      expect(rollcall.device(client).held).toBe(held);
      expect(heapBytes() - heap).toBeLessThan(1e6);
      expect(keep.state).toBe('joined');
    },
  },
  {
    title: '[row 16] while the network is cut for 10 s, the others stay and are marked as stale',
    async run({ adapter, rollcall }) {
      await arrive(rollcall, 'ada');
      const client = rollcall.client('bob');
      const probes: Part['probes'] = {
        all: { of: 'all' },
        names: { of: 'others', select: names },
        connection: { of: 'connection' },
      };
      const view = await adapter.mount({ client, parts: [{ target, probes }] });
      await adapter.act(() => rollcall.advance(200));
      const before = view.renders('names');
      const restore = await adapter.act(async () => rollcall.cut(client));
      await adapter.act(() => rollcall.advance(10_000));
      expect(view.shown('all')).toMatchObject({ state: 'stale', isStale: true, others: [{ username: 'ada' }] });
      expect(view.shown('connection')).toBe('waiting');
      await adapter.act(restore);
      await adapter.act(() => rollcall.advance(2000));
      expect(view.shown('all')).toMatchObject({ state: 'joined', isStale: false, others: [{ username: 'ada' }] });
      expect(view.shown('connection')).toBe('open');
      expect(view.renders('names')).toBe(before);
    },
  },
  {
    title:
      '[row 28] a component that is mounted after ten seconds without a network gets the error, too, and counts as another caller',
    async run({ adapter, rollcall }) {
      const ada = await arrive(rollcall, 'ada');
      const client = rollcall.client('bob');
      const restore = rollcall.cut(client);
      const errors: string[] = [];
      const probes: Part['probes'] = { all: { of: 'all' } };
      const first = await adapter.mount({ client, parts: [{ target, probes, onError: () => errors.push('first') }] });
      await adapter.act(() => rollcall.advance(15_000));
      expect(errors).toEqual(['first']);
      const second = await adapter.mount({ client, parts: [{ target, probes, onError: () => errors.push('second') }] });
      await adapter.act(() => rollcall.advance(15_000));
      expect(errors).toEqual(['first', 'second']);
      expect(second.shown('all')).toMatchObject({ state: 'joining' });
      await adapter.act(restore);
      await adapter.act(() => rollcall.advance(2000));
      expect([first.shown('all'), second.shown('all')]).toMatchObject(Array(2).fill({ state: 'joined' }));
      // A caller without a framework may have called again only because the first promise was rejected.
      if (!adapter.renderOnServer) return;
      await second.unmount();
      await adapter.act(() => rollcall.advance(20_000));
      expect(first.shown('all')).toMatchObject({ state: 'joined' });
      expect(ada.session.others).toHaveLength(1);
    },
  },
  {
    title: '[row 50] a listener gets each leave with its cause',
    async run({ adapter, rollcall }) {
      const ada = await arrive(rollcall, 'ada');
      const leaves: string[] = [];
      const onLeave: Part['onLeave'] = ({ user, cause }) => leaves.push(`${user.username} ${cause}`);
      await adapter.mount({ client: rollcall.client('bob'), parts: [{ target, onLeave }] });
      await adapter.act(() => rollcall.advance(200));
      await adapter.act(async () => {
        await ada.session.leave();
        await rollcall.advance(5000);
      });
      expect(leaves).toEqual(['ada left']);
    },
  },
  {
    title: 'changes of this user are shown at once and reach the others',
    async run({ adapter, rollcall }) {
      const ada = await arrive(rollcall, 'ada');
      const client = rollcall.client('bob');
      const options = { data: { colour: 'teal' }, status: 'away', activity: 'reading' } as const;
      const view = await adapter.mount({ client, parts: [{ target, options, probes: { self: { of: 'self' } } }] });
      await adapter.act(() => rollcall.advance(200));
      expect(ada.session.others[0]).toMatchObject({ ...options, username: 'bob' });
      const session = view.session();
      await adapter.act(async () => {
        session.setStatus('online');
        session.setActivity('typing');
        session.setData({ page: 3 });
        session.setCursor({ x: 1 });
      });
      expect(view.shown('self')).toMatchObject({
        status: 'online',
        activity: 'typing',
        data: { colour: 'teal', page: 3 },
      });
      await adapter.act(() => rollcall.advance(200));
      const told = { status: 'online', activity: 'typing', data: { colour: 'teal', page: 3 }, cursor: { x: 1 } };
      expect(ada.session.others[0]).toMatchObject(told);
    },
  },
  {
    title: 'a component can use the session as soon as it is mounted',
    async run({ adapter, rollcall }) {
      const ada = await arrive(rollcall, 'ada');
      const client = rollcall.client('bob');
      const onMounted: Part['onMounted'] = (session) => session.setActivity('arriving');
      const view = await adapter.mount({ client, parts: [{ target, onMounted }] }, { twice: true });
      await adapter.act(() => rollcall.advance(200));
      expect(ada.session.others[0]?.activity).toBe('arriving');
      expect(framesOf(rollcall, 'bob', 'session_open', 'session_leave')).toHaveLength(1);
      await view.unmount();
      await rollcall.advance(5000);
      expect(ada.session.others).toEqual([]);
    },
  },
  {
    title: 'calls after the component was unmounted do not join the session',
    async run({ adapter, rollcall }) {
      const ada = await arrive(rollcall, 'ada');
      const view = await adapter.mount({ client: rollcall.client('bob'), parts: [{ target }] });
      await adapter.act(() => rollcall.advance(200));
      const session = view.session();
      await view.unmount();
      await rollcall.advance(200);
      session.setCursor({ x: 1 });
      await expect(session.queryActivity()).rejects.toMatchObject({ code: 'NOT_IN_SESSION' });
      await rollcall.advance(5000);
      expect(ada.session.others).toEqual([]);
    },
  },
  {
    title: 'a listener gets the events of its name until the component is unmounted',
    async run({ adapter, rollcall }) {
      const ada = await arrive(rollcall, 'ada');
      const waves: unknown[] = [];
      const onWave = (payload: unknown) => waves.push(payload);
      const client = rollcall.client('bob');
      const keep = client.open('doc');
      const view = await adapter.mount({ client, parts: [{ target, onWave }] }, { twice: true });
      await adapter.act(() => rollcall.advance(200));
      await ada.session.setRole(client.self!.userId, 'commenter');
      for (const name of ['wave', 'nod']) ada.session.broadcast(name, { name });
      await adapter.act(() => rollcall.advance(200));
      expect(waves).toEqual([{ name: 'wave' }]);
      await view.unmount();
      ada.session.broadcast('wave', {});
      await rollcall.advance(200);
      expect(waves).toHaveLength(1);
      await keep.leave();
    },
  },
  {
    title: 'a component shows the users who were present at a time',
    async run({ adapter, rollcall }) {
      const client = rollcall.client('ada');
      const keep = client.open('doc');
      await rollcall.advance(1000);
      const probes: Part['probes'] = { history: { of: 'history', time: rollcall.now() } };
      const view = await adapter.mount({ client, parts: [{ target, probes }] });
      await adapter.act(() => rollcall.advance(200));
      expect(view.shown('history')).toMatchObject({ stays: [{ userId: 'ada' }], isLoading: false });
      await view.unmount();
      await keep.leave();
    },
  },
  {
    title: 'a component that shows the past of another session shows nobody until the answer about that session',
    async run({ adapter, rollcall }) {
      await arrive(rollcall, 'ada', 'one');
      await arrive(rollcall, 'cleo', 'two');
      const client = rollcall.client('bob');
      const probes: Part['probes'] = { history: { of: 'history', time: rollcall.now() - 100 } };
      const view = await adapter.mount({ client, parts: [{ target: { key: 'one' }, probes }] });
      await adapter.act(() => rollcall.advance(200));
      expect(view.shown('history')).toMatchObject({ stays: [{ userId: 'ada' }] });
      const before = view.renders('history');
      rollcall.service.intercept = ({ type }) => (type === 'presence_history' ? 'drop' : undefined);
      await view.update({ client, parts: [{ target: { key: 'two' }, probes }] });
      await adapter.act(() => rollcall.advance(200));
      rollcall.service.intercept = undefined;
      await rollcall.breakSockets(client);
      await adapter.act(() => rollcall.advance(5000));
      const after = view.all('history').slice(before) as { stays?: readonly { userId: string }[] }[];
      expect(after.at(-1)).toMatchObject({ stays: [{ userId: 'cleo' }], isLoading: false });
      expect(after.slice(0, -1).flatMap(({ stays = [] }) => stays)).toEqual([]);
    },
  },
  {
    title: 'if a session cannot be joined, the error is reported once',
    async run({ adapter, rollcall }) {
      const errors: unknown[] = [];
      const part: Part = { target: 'none', onError: (error) => errors.push(error), probes: { all: { of: 'all' } } };
      const view = await adapter.mount({ client: rollcall.client('bob'), parts: [part] });
      await adapter.act(() => rollcall.advance(200));
      expect(view.shown('all')).toMatchObject({ state: 'left' });
      expect(errors).toEqual([expect.any(RollcallError)]);
      expect(errors).toEqual([expect.objectContaining({ code: 'SESSION_NOT_FOUND' })]);
    },
  },
  {
    title: 'when the target changes, the earlier session is left and the new one joined',
    async run({ adapter, rollcall }) {
      const ada = await arrive(rollcall, 'ada', 'one');
      await arrive(rollcall, 'cleo', 'two');
      const client: Client = rollcall.client('bob');
      const part = (key: string): Part => ({ target: { key }, probes: { names: { of: 'others', select: names } } });
      const view = await adapter.mount({ client, parts: [part('one')] });
      await adapter.act(() => rollcall.advance(200));
      expect(view.shown('names')).toEqual(['ada']);
      await view.update({ client, parts: [part('two')] });
      await adapter.act(() => rollcall.advance(5000));
      expect(view.shown('names')).toEqual(['cleo']);
      expect(ada.session.others).toEqual([]);
    },
  },
];

/** Runs each case with an adapter and its own service. */
export function testAll(adapter: Adapter): void {
  test.each(cases.map((each) => [each.title, each] as const))('[row 39] %s', async (_, { run }) => {
    const rollcall = createTestRollcall();
    const views: Mounted[] = [];
    const mount: Adapter['mount'] = async (...values) => {
      const view = await adapter.mount(...values);
      views.push(view);
      return view;
    };
    await run({ adapter: { ...adapter, mount }, mountOnly: adapter.mount, rollcall });
    for (const view of views) await view.unmount();
    rollcall.close();
  });
}
