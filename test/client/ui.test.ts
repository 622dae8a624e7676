/** @jest-environment jsdom */
import { createTestRollcall, type TestRollcall } from '../../client/testing/index.ts';
import { colourOf, showAvatars, showNotices, showStatus } from '../../client/ui/index.ts';

let rollcall: TestRollcall;
let container: HTMLElement;
beforeEach(() => {
  container = document.body.appendChild(document.createElement('div'));
});
afterEach(() => {
  rollcall.close();
  container.remove();
});

const text = () => container.textContent;
const buttons = () => [...container.querySelectorAll('button')];

test('the owner of an expired session gets a notice and recovers the session', async () => {
  rollcall = createTestRollcall({ sessionTimeoutMillis: 20_000 });
  const session = rollcall.client('ada').open('doc');
  await session.ready;
  const stop = showNotices(container, session, { home: '/home' });
  await rollcall.advance(25_000);
  expect(session.state).toBe('ended');
  const card = container.querySelector('[role=alert]')!;
  expect(card.querySelector('h2')?.textContent).toBe('This session has expired');
  expect(card.querySelector('a')?.getAttribute('href')).toBe('/home');
  expect(card.querySelector('svg')?.getAttribute('aria-hidden')).toBe('true');
  buttons()[0]!.click();
  await rollcall.advance(1000);
  expect(session.state).toBe('joined');
  expect(container.querySelector('[role=alert]')).toBeNull();
  stop();
  expect(container.children).toHaveLength(0);
});

test('other users get no button to recover it', async () => {
  rollcall = createTestRollcall({ sessionTimeoutMillis: 20_000 });
  await rollcall.client('ada').open('doc').ready;
  const session = rollcall.client('bob').open('doc');
  await session.ready;
  showNotices(container, session);
  await rollcall.advance(25_000);
  expect(text()).toContain('This session has expired');
  expect(buttons()).toEqual([]);
});

test('each leave is one sentence with its cause, in the words of the application', async () => {
  rollcall = createTestRollcall();
  const session = rollcall.client('ada').open('doc');
  const bob = rollcall.client('bob').open('doc');
  await Promise.all([session.ready, bob.ready]);
  const left = { left: 'Tschüs, {name}!' } as never;
  const stop = showNotices(container, session, { words: { left }, nameOf: ({ username }) => username.toUpperCase() });
  await bob.leave();
  await rollcall.advance(5000);
  expect(text()).toBe('Tschüs, BOB!');
  stop();
});

test('avatars show this user first, show pictures if there are any, and follow each change', async () => {
  rollcall = createTestRollcall();
  const session = rollcall.client('ada', { name: 'Ada Lovelace' }).open('doc');
  const bob = rollcall.client('bob').open('doc', { data: { avatar: 'https://example.org/bob.png' } });
  await Promise.all([session.ready, bob.ready]);
  await rollcall.advance(200);
  const stop = showAvatars(container, session);
  const labels = () => [...container.querySelectorAll('[data-status]')].map((each) => each.getAttribute('aria-label'));
  expect(labels()).toEqual(['Ada Lovelace (you), online', 'bob, online']);
  expect(text()).toBe('AL');
  expect(container.querySelector('img')?.getAttribute('src')).toBe('https://example.org/bob.png');
  bob.setActivity('typing');
  bob.setData({ avatar: null });
  await rollcall.advance(200);
  expect(labels()).toEqual(['Ada Lovelace (you), online', 'bob, online, typing']);
  expect(text()).toBe('ALB');
  await bob.leave();
  await rollcall.advance(5000);
  expect(labels()).toEqual(['Ada Lovelace (you), online']);
  stop();
  expect(container.children).toHaveLength(0);
});

test('[SA7] an agent is marked, and its text says for whom it acts', async () => {
  rollcall = createTestRollcall();
  const session = rollcall.client('ada').open('doc');
  const bob = rollcall.client('bob').open('doc');
  await Promise.all([session.ready, bob.ready]);
  const stop = showAvatars(container, session, { nameOf: ({ username }) => username.toUpperCase() });
  showNotices(container, session);
  rollcall.setAgent('doc', 'writer', { name: 'Writer', onBehalfOf: 'bob', activity: 'thinking' });
  await rollcall.advance(200);
  const agent = () => container.querySelector('[data-kind=agent]')?.getAttribute('aria-label');
  expect(agent()).toBe('WRITER, agent, on behalf of BOB, online, thinking');
  expect(container.querySelectorAll('[data-kind]')).toHaveLength(1);
  rollcall.setAgent('doc', 'writer', { onBehalfOf: null });
  await rollcall.advance(200);
  expect(agent()).toBe('WRITER, agent, online, thinking');
  rollcall.setAgent('doc', 'writer', { onBehalfOf: 'nobody here' });
  await rollcall.advance(200);
  expect(agent()).toBe('WRITER, agent, online, thinking');
  rollcall.endAgent('doc', 'writer');
  await rollcall.advance(200);
  expect(agent()).toBeUndefined();
  expect(text()).toContain('Writer left.');
  stop();
});

test('[row 53] each of the five states of the connection has a text, and the button connects', async () => {
  rollcall = createTestRollcall();
  const client = rollcall.client('bob');
  const stop = showStatus(container, client, { always: true });
  const texts = new Set<string | null>();
  const note = () => texts.add(container.querySelector('[role=status]')!.textContent);
  const stopNoting = client.on('state', note);
  note();
  client.connect();
  await rollcall.advance(1000);
  const restore = rollcall.cut(client);
  await rollcall.advance(1000);
  await restore();
  await rollcall.advance(1000);
  client.close();
  expect(texts.size).toBe(5);
  stopNoting();
  buttons()[0]!.click();
  await rollcall.advance(1000);
  expect(client.state).toBe('open');
  expect(buttons()).toEqual([]);
  stop();
});

test('the colour of a user is constant, and 12 users have different colours', () => {
  rollcall = createTestRollcall();
  const colours = Array.from({ length: 12 }, (_, number) => colourOf({ userId: `user-${number}` }));
  expect(new Set(colours).size).toBe(12);
  expect(colourOf({ userId: 'user-3' })).toBe(colours[3]);
});
