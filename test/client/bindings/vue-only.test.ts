/** @jest-environment jsdom */
import { createApp, createSSRApp, defineComponent, h, nextTick, ref, type VNode } from 'vue';
import { renderToString } from 'vue/server-renderer';
import { createTestRollcall, type TestRollcall } from '../../../client/testing/index.ts';
import {
  type Collaboration,
  provideRollcall,
  RollcallProvider,
  SessionProvider,
  useCollaboration,
  useConnection,
  useOthers,
} from '../../../client/vue/index.ts';
import { PresenceTimeline } from '../../../client/vue/timeline.ts';

let rollcall: TestRollcall;
beforeEach(() => {
  rollcall = createTestRollcall();
});
afterEach(() => rollcall.close());

async function advance(millis: number) {
  await rollcall.advance(millis);
  await nextTick();
}
async function arrive(user: string, key: string) {
  const session = rollcall.client(user).open(key);
  await session.ready;
  return session;
}

const Others = defineComponent(() => {
  const names = useOthers((others) => others.map(({ username }) => username).join());
  return () => names.value;
});

test('useCollaboration follows a ref to another session, shows the whole state and changes it', async () => {
  const ada = await arrive('ada', 'one');
  const cleo = await arrive('cleo', 'two');
  const client = rollcall.client('bob');
  const key = ref('one');
  let seen: Collaboration | undefined;
  const Page = defineComponent(() => {
    seen = useCollaboration(() => ({ key: key.value }));
    return () => seen!.others.value.map(({ username }) => username).join();
  });
  const container = document.createElement('div');
  const app = createApp(() => h(RollcallProvider, { client: client as never }, () => h(Page)));
  app.mount(container);
  await advance(200);
  expect(container.textContent).toBe('ada');
  seen!.updateCursor({ x: 3 });
  await advance(200);
  expect(ada.cursors[0]?.cursor).toEqual({ x: 3 });
  expect(seen!.self.value?.cursor).toEqual({ x: 3 });
  key.value = 'two';
  await advance(5000);
  expect(container.textContent).toBe('cleo');
  expect(ada.others).toEqual([]);
  await seen!.leave();
  await advance(5000);
  expect(seen!.state.value).toBe('left');
  expect(cleo.others).toEqual([]);
  app.unmount();
});

test('[row 33] the client hydrates the HTML of the server without a difference, and shows the fallback until joined', async () => {
  await arrive('ada', 'doc');
  const client = rollcall.client('bob');
  const Connection = defineComponent(() => {
    const state = useConnection();
    return () => h('p', state.value);
  });
  const Root = defineComponent(() => {
    provideRollcall(client);
    const slots = { default: () => h(Others), fallback: () => 'one moment' };
    return (): VNode[] => [h(SessionProvider, { sessionKey: 'doc' }, slots), h(Connection)];
  });
  const container = document.createElement('div');
  container.innerHTML = await renderToString(createSSRApp(Root));
  expect(container.textContent).toBe('one momentidle');
  expect(rollcall.device(client).dials).toBe(0);
  const app = createSSRApp(Root);
  const warnings: string[] = [];
  app.config.warnHandler = (message) => warnings.push(message);
  app.mount(container);
  await advance(200);
  expect(container.textContent).toBe('adaopen');
  expect(warnings).toEqual([]);
  app.unmount();
});

test('[AC9] PresenceTimeline shows who was here, tells the chosen moment, and is removed with its component', async () => {
  const ada = await arrive('ada', 'one');
  await ada.logActivity('drew');
  const moves: number[] = [];
  const container = document.createElement('div');
  const client = rollcall.client('bob');
  const timeline = () =>
    h(PresenceTimeline, { class: 'history', onMove: (at: number) => moves.push(at), formatTime: () => 'noon' });
  const session = () => h(SessionProvider, { sessionKey: 'one' }, timeline);
  const app = createApp(() => h(RollcallProvider, { client: client as never }, session));
  app.mount(container);
  await advance(1000);
  const slider = container.querySelector<HTMLInputElement>('.history input[type=range]')!;
  expect(container.querySelector('.history')!.textContent).toContain('noonadadrew');
  slider.dispatchEvent(new Event('input'));
  expect(moves).toHaveLength(1);
  app.unmount();
  expect(container.innerHTML).toBe('');
});
