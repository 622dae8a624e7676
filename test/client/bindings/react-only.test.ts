/** @jest-environment jsdom */
import { act, createElement as h, type ReactNode, StrictMode, Suspense, use } from 'react';
import { createRoot, hydrateRoot } from 'react-dom/client';
import { renderToString } from 'react-dom/server';
import type { Client } from '../../../client/index.ts';
import {
  type Collaboration,
  RollcallProvider,
  SessionProvider,
  useCollaboration,
  useConnection,
  useOthers,
  useSession,
} from '../../../client/react/index.ts';
import { PresenceTimeline } from '../../../client/react/timeline.ts';
import { createTestRollcall, type TestRollcall } from '../../../client/testing/index.ts';

Object.assign(globalThis, { IS_REACT_ACT_ENVIRONMENT: true });

let rollcall: TestRollcall;
let container: HTMLElement;
const unmounts: (() => void)[] = [];
beforeEach(() => {
  rollcall = createTestRollcall();
  container = document.createElement('div');
});
afterEach(async () => {
  await act(async () => {
    for (const unmount of unmounts.splice(0)) unmount();
  });
  rollcall.close();
});

async function mount(element: ReactNode) {
  const root = createRoot(container);
  unmounts.push(() => root.unmount());
  const render = (next: ReactNode) => act(async () => root.render(next));
  await render(element);
  return render;
}
const advance = (millis: number) => act(() => rollcall.advance(millis));
const joins = (user: string) =>
  rollcall.service.frames.filter(({ userId, frame }) => userId === user && frame.type === 'session_open');
const leaves = (user: string) =>
  rollcall.service.frames.filter(({ userId, frame }) => userId === user && frame.type === 'session_leave');

/** Shows the names of the others, separated by commas. */
function Others() {
  return useOthers((others) => others.map(({ username }) => username).join());
}

async function arrive(user: string) {
  const session = rollcall.client(user).open('doc');
  await session.ready;
  return session;
}

test('useCollaboration joins by an id or a key, shows the whole state and changes it', async () => {
  const ada = await arrive('ada');
  let seen: Collaboration | undefined;
  const actions = new Set<unknown>();
  function Page() {
    seen = useCollaboration(ada.id, { activity: 'reading' });
    actions.add(seen.setStatus).add(seen.updateCursor);
    return seen.others.map(({ username }) => username).join();
  }
  const client = rollcall.client('bob');
  await mount(h(RollcallProvider, { client }, h(Page)));
  await advance(200);
  expect(container.textContent).toBe('ada');
  expect(seen).toMatchObject({ state: 'joined', isStale: false, error: undefined, role: 'viewer' });
  expect(ada.others[0]?.activity).toBe('reading');
  await act(async () => seen!.updateCursor({ x: 3 }));
  await advance(200);
  expect(ada.cursors[0]?.cursor).toEqual({ x: 3 });
  expect(seen!.self?.cursor).toEqual({ x: 3 });
  expect(seen!.users).toHaveLength(2);
  expect(actions.size).toBe(2);
  await act(() => seen!.leave());
  expect(seen!.state).toBe('left');
  await rollcall.advance(5000);
  expect(ada.others).toEqual([]);
});

test('a selector that is a new function in each render can use changed values', async () => {
  await arrive('ada');
  await arrive('ann');
  const Starting = ({ letter }: { letter: string }) =>
    useOthers((others) => others.filter(({ username }) => username.startsWith(letter)).length);
  const page = (letter: string) =>
    h(RollcallProvider, { client }, h(SessionProvider, { sessionKey: 'doc' }, h(Starting, { letter })));
  const client = rollcall.client('bob');
  const render = await mount(page('a'));
  await advance(200);
  expect(container.textContent).toBe('2');
  await render(page('an'));
  expect(container.textContent).toBe('1');
});

test('a fallback is shown until the session is joined', async () => {
  await arrive('ada');
  const client = rollcall.client('bob');
  const restore = rollcall.cut(client);
  const page = (sessionKey: string) =>
    h(RollcallProvider, { client }, h(SessionProvider, { sessionKey, fallback: 'one moment' }, h(Others)));
  await mount(page('doc'));
  await advance(1000);
  expect(container.textContent).toBe('one moment');
  await act(restore);
  await advance(2000);
  expect(container.textContent).toBe('ada');
});

test('if a session cannot be joined, the children are shown instead of the fallback, so that they can show the error', async () => {
  const client = rollcall.client('bob');
  const Failure = () => useCollaboration().error?.code;
  await mount(
    h(RollcallProvider, { client }, h(SessionProvider, { sessionId: 'none', fallback: 'one moment' }, h(Failure))),
  );
  await advance(200);
  expect(container.textContent).toBe('SESSION_NOT_FOUND');
});

test('[row 27] a component that suspends joins once', async () => {
  const ada = await arrive('ada');
  let resolve = (_: string) => {};
  const text = new Promise<string>((done) => {
    resolve = done;
  });
  const Slow = () => use(text);
  const client = rollcall.client('bob');
  const inner = h(SessionProvider, { sessionKey: 'doc' }, h(Others), h(Suspense, { fallback: ' …' }, h(Slow)));
  await mount(h(StrictMode, null, h(RollcallProvider, { client }, h(Suspense, null, inner))));
  await advance(200);
  expect(container.textContent).toBe('ada …');
  await act(async () => resolve(' done'));
  await advance(200);
  expect(container.textContent).toBe('ada done');
  expect(joins('bob')).toHaveLength(1);
  expect(leaves('bob')).toEqual([]);
  expect(ada.others).toHaveLength(1);
});

test('[row 34] 20 remounts at once, as in fast refresh, cause one join', async () => {
  const ada = await arrive('ada');
  const client = rollcall.client('bob');
  const page = (key: number) =>
    h(RollcallProvider, { client }, h(SessionProvider, { sessionKey: 'doc', key }, h(Others)));
  const render = await mount(page(0));
  await advance(200);
  for (let key = 1; key <= 20; key += 1) await render(page(key));
  await advance(20_000);
  expect(container.textContent).toBe('ada');
  expect(rollcall.device(client).dials).toBe(1);
  expect(joins('bob')).toHaveLength(1);
  expect(leaves('bob')).toEqual([]);
  expect(ada.others[0]?.connections).toBe(1);
});

test('[row 33] the client hydrates the HTML of the server without a difference', async () => {
  await arrive('ada');
  const client = rollcall.client('bob');
  const Connection = () => useConnection();
  const page = () =>
    h(RollcallProvider, { client }, h(SessionProvider, { sessionKey: 'doc' }, h(Others), h('p', null, h(Connection))));
  container.innerHTML = renderToString(page());
  expect(container.textContent).toBe('idle');
  expect(rollcall.device(client).dials).toBe(0);
  const errors: unknown[] = [];
  await act(async () => {
    const root = hydrateRoot(container, page(), { onRecoverableError: (error) => errors.push(error) });
    unmounts.push(() => root.unmount());
  });
  await advance(200);
  expect(container.textContent).toBe('adaopen');
  expect(errors).toEqual([]);
});

describe('useCollaboration', () => {
  let renders = 0;
  beforeEach(() => {
    renders = 0;
  });
  function Page() {
    const { state, others } = useCollaboration({ key: 'doc' });
    renders += 1;
    return [state, ...others.map(({ username, activity }) => `${username} ${activity ?? '-'}`)].join();
  }
  const pageOf = (client: Client, isShown = true) =>
    h(StrictMode, null, h(RollcallProvider, { client }, isShown ? h(Page) : null));

  test('[CL6] in StrictMode it joins once, and renders only when something changed', async () => {
    const ada = await arrive('ada');
    const left: string[] = [];
    ada.on('left', ({ user }) => left.push(user.username));
    const client = rollcall.client('bob');
    await mount(pageOf(client));
    await advance(5000);
    expect(container.textContent).toBe('joined,ada -');
    expect([rollcall.device(client).dials, joins('bob').length, leaves('bob'), left]).toEqual([1, 1, [], []]);
    const before = renders;
    await advance(65_000);
    const beats = rollcall.service.frames.filter(({ userId, frame }) => userId === 'bob' && frame.type === 'heartbeat');
    expect(beats.length).toBeGreaterThan(1);
    expect(renders).toBe(before);
    ada.setActivity('typing');
    await advance(200);
    expect(container.textContent).toBe('joined,ada typing');
    // StrictMode renders each change twice.
    expect(renders).toBe(before + 2);
  });

  test('[CL6] it leaves no timer and no listener behind', async () => {
    await arrive('ada');
    const client = rollcall.client('bob');
    const device = rollcall.device(client);
    const held: number[] = [];
    const render = await mount(pageOf(client));
    for (let round = 0; round < 3; round += 1) {
      await advance(40_000);
      expect(container.textContent).toBe('joined,ada -');
      await render(pageOf(client, false));
      await advance(1000);
      held.push(device.held);
      await render(pageOf(client));
    }
    expect(held).toEqual(Array(3).fill(held[0]));
    await render(null);
    await rollcall.advance(1000);
    expect(device.held).toBe(held[0]);
    client.close();
    expect(device.held).toBe(0);
  });

  test('[CL6] on a server it renders without a connection, and the client hydrates that HTML', async () => {
    await arrive('ada');
    const client = rollcall.client('bob');
    const device = rollcall.device(client);
    container.innerHTML = renderToString(pageOf(client));
    await rollcall.advance(1000);
    expect(container.textContent).toBe('joining');
    expect([client.state, device.dials, device.held]).toEqual(['idle', 0, 0]);
    const errors: unknown[] = [];
    await act(async () => {
      const root = hydrateRoot(container, pageOf(client), { onRecoverableError: (error) => errors.push(error) });
      unmounts.push(() => root.unmount());
    });
    await advance(200);
    expect(container.textContent).toBe('joined,ada -');
    expect(errors).toEqual([]);
  });
});

test.each([
  ['useConnection', () => useConnection(), 'This hook needs a <RollcallProvider> around its component.'],
  ['useSession', () => useSession().id, 'This hook needs a <SessionProvider> around its component.'],
])('%s without its provider says what is missing', (_, hook, message) => {
  const Lost = () => hook();
  expect(() => renderToString(h(Lost))).toThrow(message);
});

test('[AC9] PresenceTimeline shows who was here, tells the chosen moment to the latest listener, and is removed with its component', async () => {
  const ada = rollcall.client('ada').open('one');
  await ada.ready;
  await ada.logActivity('drew');
  const client = rollcall.client('bob');
  const moves: string[] = [];
  const page = (listener: string) =>
    h(
      StrictMode,
      null,
      h(
        RollcallProvider,
        { client: client as never },
        h(
          SessionProvider,
          { sessionKey: 'one' },
          h(PresenceTimeline, { className: 'history', onMove: () => moves.push(listener), formatTime: () => 'noon' }),
        ),
      ),
    );
  const render = await mount(page('first'));
  await advance(1000);
  const slider = () => container.querySelector<HTMLInputElement>('.history input[type=range]')!;
  expect(container.querySelectorAll('input[type=range]')).toHaveLength(1);
  expect(container.querySelector('.history')!.textContent).toContain('noonadadrew');
  await act(async () => slider().dispatchEvent(new Event('input')));
  expect(moves).toEqual(['first']);
  await render(page('second'));
  await act(async () => slider().dispatchEvent(new Event('input')));
  expect(moves).toEqual(['first', 'second']);
  await render(null);
  expect(container.innerHTML).toBe('');
});
