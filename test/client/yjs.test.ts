import { Awareness as OriginalAwareness } from 'y-protocols/awareness';
import { Doc } from 'yjs';
import { createTestRollcall, type TestRollcall } from '../../client/testing/index.ts';
import { type Awareness, createAwareness } from '../../client/yjs/index.ts';

let rollcall: TestRollcall;
const docs: Doc[] = [];
beforeEach(() => {
  rollcall = createTestRollcall();
});
afterEach(() => {
  for (const doc of docs.splice(0)) doc.destroy();
  rollcall.close();
});

async function open(user: string) {
  const client = rollcall.client(user);
  const session = client.open('doc');
  const doc = new Doc();
  docs.push(doc);
  const awareness = createAwareness(session, doc);
  await session.ready;
  await rollcall.advance(200);
  return { client, session, doc, awareness };
}

/** The states of others' editors without names and colours. */
const shown = (awareness: Awareness) =>
  [...awareness.getStates()].filter(([id]) => id !== awareness.clientID).map(([, { user: _, ...rest }]) => rest);

/** Records all events in the common form of both implementations. */
function record(awareness: Pick<Awareness, 'on'>) {
  const told: unknown[] = [];
  awareness.on('change', (change, origin) => told.push(['change', change, origin]));
  return told;
}

test('its events for own changes are those of Awareness in y-protocols', async () => {
  const doc = new Doc();
  docs.push(doc);
  const original = new OriginalAwareness(doc);
  const session = rollcall.client('ada').open('doc');
  const own = createAwareness(session, doc);
  const told = [original, own].map((each) => record(each as unknown as Awareness));
  const listener = jest.fn();
  for (const awareness of [original, own] as unknown as Awareness[]) {
    awareness.on('update', listener);
    awareness.setLocalStateField('cursor', { anchor: 1, head: 2 });
    awareness.setLocalStateField('cursor', { anchor: 1, head: 2 });
    awareness.setLocalState({ user: { name: 'Ada' }, cursor: null });
    awareness.setLocalState(null);
    awareness.setLocalStateField('cursor', { anchor: 1 });
    awareness.off('update', listener);
    awareness.setLocalState({ back: true });
    expect(awareness.getLocalState()).toEqual({ back: true });
    expect(awareness.clientID).toBe(doc.clientID);
    expect(listener).toHaveBeenCalledTimes(4);
    listener.mockClear();
  }
  expect(told[0]).toHaveLength(4);
  expect(told[1]).toEqual(told[0]);
});

test('two editors see each other’s states, with the names and colours of the service', async () => {
  const ada = await open('ada');
  const bob = await open('bob');
  const told = record(bob.awareness);
  ada.awareness.setLocalStateField('cursor', { anchor: 3, head: 5 });
  await rollcall.advance(200);
  expect(bob.awareness.getStates().get(ada.doc.clientID)).toEqual({
    user: { name: 'ada', color: expect.stringMatching(/^oklch/), colorLight: expect.stringMatching(/^oklch.*0\.2\)$/) },
    cursor: { anchor: 3, head: 5 },
  });
  expect(told).toEqual([['change', { added: [], updated: [ada.doc.clientID], removed: [] }, 'rollcall']]);
  ada.awareness.setLocalStateField('user', { name: 'Countess' });
  await rollcall.advance(200);
  expect(bob.awareness.getStates().get(ada.doc.clientID)?.['user']).toMatchObject({ name: 'Countess' });
  expect(ada.awareness.getStates().has(bob.doc.clientID)).toBe(true);
});

test('the states of a closed editor and of a user who leaves are removed', async () => {
  const ada = await open('ada');
  const bob = await open('bob');
  const cleo = await open('cleo');
  expect(shown(ada.awareness)).toHaveLength(2);
  const told = record(ada.awareness);
  bob.doc.destroy();
  await rollcall.advance(200);
  await cleo.session.leave();
  await rollcall.advance(5000);
  expect(shown(ada.awareness)).toEqual([]);
  const removed = [bob, cleo].map(({ doc }) => [
    'change',
    { added: [], updated: [], removed: [doc.clientID] },
    'rollcall',
  ]);
  expect(told).toEqual(removed);
  expect(bob.session.self?.data).toEqual({});
});

test('[row 15] [row 16] a selection stays while the network is lost, and a new one is what others see afterwards', async () => {
  const ada = await open('ada');
  const bob = await open('bob');
  bob.awareness.setLocalStateField('cursor', { anchor: 1 });
  await rollcall.advance(200);
  const restore = rollcall.cut(bob.client);
  bob.awareness.setLocalStateField('cursor', { anchor: 7 });
  await rollcall.advance(10_000);
  expect(shown(ada.awareness)).toEqual([{ cursor: { anchor: 1 } }]);
  expect(shown(bob.awareness)).toHaveLength(1);
  await restore();
  await rollcall.advance(2000);
  expect(shown(ada.awareness)).toEqual([{ cursor: { anchor: 7 } }]);
});

test('[row 21] two tabs of one user are two editors; the state of a tab that ended without a message is removed', async () => {
  const ada = await open('ada');
  const one = await open('bob');
  const two = await open('bob');
  one.awareness.setLocalStateField('cursor', { anchor: 1 });
  two.awareness.setLocalStateField('cursor', { anchor: 2 });
  await rollcall.advance(200);
  expect(shown(ada.awareness)).toEqual([{ cursor: { anchor: 1 } }, { cursor: { anchor: 2 } }]);
  expect(shown(two.awareness)).toContainEqual({ cursor: { anchor: 1 } });
  // As if the browser crashed.
  rollcall.cut(one.client, { silent: true });
  await rollcall.advance(120_000);
  expect(ada.session.others[0]?.connections).toBe(1);
  expect(shown(ada.awareness)).toEqual([{ cursor: { anchor: 2 } }]);
});

test('[row 21] two editors in one page with one session keep their states, and a closed one loses its own', async () => {
  const ada = await open('ada');
  const bob = await open('bob');
  const doc = new Doc();
  docs.push(doc);
  const second = createAwareness(bob.session, doc);
  bob.awareness.setLocalStateField('cursor', { anchor: 1 });
  second.setLocalStateField('cursor', { anchor: 2 });
  await rollcall.advance(500);
  expect(shown(ada.awareness)).toEqual([{ cursor: { anchor: 1 } }, { cursor: { anchor: 2 } }]);
  expect(shown(second)).toContainEqual({ cursor: { anchor: 1 } });
  doc.destroy();
  await rollcall.advance(500);
  expect(shown(ada.awareness)).toEqual([{ cursor: { anchor: 1 } }]);
});

test('[row 21] [row 15] a tab that was away so long that another tab removed its state shows it again when it is back', async () => {
  const ada = await open('ada');
  const one = await open('bob');
  const two = await open('bob');
  one.awareness.setLocalStateField('cursor', { anchor: 1 });
  two.awareness.setLocalStateField('cursor', { anchor: 2 });
  await rollcall.advance(200);
  const restore = rollcall.cut(one.client);
  await rollcall.advance(120_000);
  expect(shown(ada.awareness)).toEqual([{ cursor: { anchor: 2 } }]);
  await restore();
  await rollcall.advance(2000);
  expect(shown(ada.awareness)).toEqual(expect.arrayContaining([{ cursor: { anchor: 1 } }, { cursor: { anchor: 2 } }]));
});
