import { createClientIn } from '../../client/client.ts';
import type { Environment, Socket, SocketConstructor } from '../../client/environment.ts';
import type { Client, Session } from '../../client/index.ts';
import type { Device } from '../../client/testing/device.ts';
import { createTestRollcall, type TestRollcall } from '../../client/testing/index.ts';
import { Refusal } from '../../client/testing/refusal.ts';
import { testFastInput } from './fast-input-tests.ts';

// Complaints of users of other clients; each test shows that the complaint does not apply to this client.

const second = 1000;
const minute = 60 * second;

let rollcall: TestRollcall;
beforeEach(() => {
  rollcall = createTestRollcall();
});
afterEach(() => rollcall.close());

interface Person {
  client: Client;
  session: Session;
  left: string[];
}

async function arrive(user: string, options: Parameters<TestRollcall['client']>[1] = {}): Promise<Person> {
  const client = rollcall.client(user, options);
  const session = client.open('doc');
  const left: string[] = [];
  session.on('left', ({ user: { userId }, cause }) => left.push(`${userId} ${cause}`));
  await session.ready;
  await rollcall.settle();
  return { client, session, left };
}
/** A client in the environment of a device, with parts of it replaced. */
function besides(user: string, parts: Partial<Environment>): { client: Client; device: Device } {
  const device = rollcall.device(rollcall.client(user));
  const options = { url: 'ws://rollcall.test/live', token: () => rollcall.token(user) };
  return { client: createClientIn({ ...device.environment, ...parts }, options), device };
}
const framesOf = (user: string, type: string) =>
  rollcall.service.frames
    .filter(({ userId, frame }) => userId === user && frame.type === type)
    .map(({ frame }) => frame);
const listOf = ({ session }: Person) => session.users.map(({ userId }) => userId).sort();

test('[row 1] if a user’s network is cut without a close frame, others see the leave within 65 s', async () => {
  const ada = await arrive('ada');
  const bob = await arrive('bob');
  rollcall.cut(bob.client, { silent: true });
  await rollcall.advance(54 * second);
  expect(ada.left).toEqual([]);
  await rollcall.advance(11 * second);
  expect(ada.left).toEqual(['bob timeout']);
});

test('[row 2] after a freeze of five minutes, the client detects the dead socket within 3 s and then has the same list as the service', async () => {
  const ada = await arrive('ada');
  const bob = await arrive('bob');
  const wake = rollcall.freeze(bob.client);
  await rollcall.advance(5 * minute);
  const cleo = await arrive('cleo');
  await wake();
  await rollcall.advance(3 * second);
  expect(bob.session.state).toBe('joined');
  expect(listOf(bob)).toEqual(['ada', 'bob', 'cleo']);
  expect(listOf(ada)).toEqual(listOf(bob));
  expect(listOf(cleo)).toEqual(listOf(bob));
});

test('[row 2] the client detects a sleep without a page event by a late timer', async () => {
  await arrive('ada');
  const bob = await arrive('bob');
  const device = rollcall.device(bob.client);
  device.freeze();
  await rollcall.advance(5 * minute);
  device.thaw(false);
  await rollcall.advance(5 * second);
  expect(bob.session.state).toBe('joined');
  expect(device.dials).toBe(2);
});

test('[row 3] a hidden page does not connect; when it becomes visible, it connects at once', async () => {
  const bob = await arrive('bob');
  const device = rollcall.device(bob.client);
  const show = rollcall.hide(bob.client);
  await rollcall.breakSockets(bob.client);
  await rollcall.advance(10 * minute);
  expect(device.dials).toBe(1);
  expect(bob.client.state).toBe('waiting');
  await show();
  expect(device.dials).toBe(2);
  expect(bob.session.state).toBe('joined');
});

test('[row 3] when a page becomes visible, it aborts a handshake older than 5 s and keeps a newer one', async () => {
  const client = rollcall.client('bob');
  const device = rollcall.device(client);
  const restore = rollcall.cut(client, { silent: true });
  client.connect();
  await rollcall.advance(4 * second);
  expect(device.dials).toBe(1);
  device.show();
  await rollcall.settle();
  expect(device.dials).toBe(1);
  await restore();
  await rollcall.advance(2 * second);
  device.show();
  await rollcall.settle();
  expect(device.dials).toBe(2);
  expect(client.state).toBe('open');
});

test('[row 4] after close() only connect() opens a socket', async () => {
  const bob = await arrive('bob');
  const device = rollcall.device(bob.client);
  bob.client.close();
  for (const event of ['online', 'visible', 'wake', 'restored', 'network', 'input'] as const) device.tell(event);
  bob.client.join('another');
  await rollcall.advance(10 * minute);
  expect(device.dials).toBe(1);
  expect(bob.client.state).toBe('closed');
  bob.client.connect();
  await rollcall.settle();
  expect(bob.client.state).toBe('open');
  expect(bob.session.state).toBe('joined');
});

test('[row 5] each handshake requests a token if the known one expires in less than a minute, so no expired token is sent', async () => {
  const bob = await arrive('bob', { tokenSeconds: 300 });
  for (let cuts = 0; cuts < 20; cuts += 1) {
    const restore = rollcall.cut(bob.client);
    await rollcall.advance(97 * second);
    await restore();
    expect(bob.session.state).toBe('joined');
  }
  const { handshakes } = rollcall.service;
  expect(handshakes.length).toBeGreaterThan(20);
  expect(handshakes.every(({ isValid }) => isValid)).toBe(true);
});

test('[row 7] if token() fails, the client waits longer after each attempt and stops after the last', async () => {
  let calls = 0;
  const client = rollcall.client('bob', {
    token: () => {
      calls += 1;
      throw new Error('the sign-in service is down');
    },
  });
  const errors: string[] = [];
  client.on('error', ({ message }) => errors.push(message));
  client.connect();
  await rollcall.advance(60 * minute);
  expect(calls).toBe(10);
  expect(errors).toEqual(['Max reconnection attempts reached']);
  expect(client.state).toBe('closed');
});

test('[row 7] if the user is signed out, the client reports it at once', async () => {
  const client = rollcall.client('bob', { token: () => null });
  const session = client.join('any');
  await expect(session.ready).rejects.toMatchObject({ code: 'UNAUTHENTICATED', retryable: false });
  expect(client.state).toBe('closed');
});

test('[row 7] [CL1] a question about the token that is never answered does not hold up the next attempt', async () => {
  const { client, device } = besides('bob', { fetch: () => new Promise<Response>(() => {}) });
  device.cut(false);
  const session = client.open('doc');
  await rollcall.advance(20 * second);
  device.restore();
  // The question is given up after 5 s; then the next attempt waits for 2 s at most.
  await rollcall.advance(20 * second);
  expect(session.state).toBe('joined');
  client.close();
});

test('[row 8] if a token was revoked, the client requests a new one once', async () => {
  const bob = await arrive('bob');
  rollcall.expireToken(bob.client);
  await rollcall.breakSockets(bob.client);
  // One wait before the attempt, and none between the two tokens.
  await rollcall.advance(second);
  expect(bob.session.state).toBe('joined');
  expect(rollcall.service.handshakes.map(({ isValid }) => isValid)).toEqual([true, false, true]);
});

test('[row 9] [CL2] a token is replaced before it expires during a session, and no user sees a leave', async () => {
  const ada = await arrive('ada', { tokenSeconds: 24 * 3600 });
  const bob = await arrive('bob', { tokenSeconds: 600 });
  const states: string[] = [];
  bob.client.on('state', (state) => states.push(state));
  await rollcall.advance(60 * minute);
  expect(rollcall.device(bob.client).dials).toBeGreaterThanOrEqual(6);
  expect(states).toEqual([]);
  expect(ada.left).toEqual([]);
  expect(bob.session.state).toBe('joined');
});

test('[CL2] a connection is replaced at the time that the service named, and the new one joins before the old one ends', async () => {
  const ada = await arrive('ada');
  const bob = await arrive('bob', { tokenSeconds: 24 * 3600 });
  await rollcall.advance(6600 * second);
  expect(rollcall.device(bob.client).dials).toBe(2);
  expect(ada.left).toEqual([]);
  expect(framesOf('bob', 'session_leave')).toEqual([]);
});

test('[row 11] on the event `offline` the client is waiting and the session stale at once', async () => {
  await arrive('ada');
  const bob = await arrive('bob');
  rollcall.cut(bob.client);
  expect(bob.client.state).toBe('waiting');
  expect(bob.session.state).toBe('stale');
  expect(bob.session.getSnapshot().isStale).toBe(true);
});

test('[row 12] [CL9] each request settles within 10 s, even if the socket is replaced or lost', async () => {
  const bob = await arrive('bob');
  rollcall.service.intercept = ({ type }) => (type === 'activity_query' ? 'drop' : undefined);
  const settled: string[] = [];
  const watch = (name: string, request: Promise<unknown>) =>
    request.then(
      () => settled.push(name),
      (error) => settled.push(`${name} ${error.code}`),
    );
  watch('unanswered', bob.session.queryActivity());
  await rollcall.advance(4 * second);
  rollcall.device(bob.client).tell('network');
  watch('replaced', bob.session.queryActivity());
  await rollcall.advance(4 * second);
  rollcall.cut(bob.client);
  watch('cut', bob.session.queryActivity());
  watch('machines', bob.client.machines.list());
  await rollcall.advance(10 * second);
  expect(settled).toEqual([
    'unanswered UNAVAILABLE',
    'replaced UNAVAILABLE',
    'cut UNAVAILABLE',
    'machines UNAVAILABLE',
  ]);
});

test('[CL9] an error says whether a message was not sent or may have taken effect', async () => {
  const bob = await arrive('bob');
  rollcall.service.intercept = ({ type }) => (type === 'activity_query' ? 'drop' : undefined);
  const sent = bob.session.queryActivity().catch((error) => error.message);
  await rollcall.advance(10 * second);
  expect(await sent).toContain('may or may not');
  rollcall.cut(bob.client);
  const unsent = bob.session.queryActivity().catch((error) => error.message);
  await rollcall.advance(10 * second);
  expect(await unsent).toContain('not sent');
});

test('[CL3] after a reconnect, a request without an answer is sent again, unless it must not be repeated', async () => {
  const bob = await arrive('bob');
  rollcall.service.intercept = ({ type }) => (/query|invite_create/.test(type) ? 'drop' : undefined);
  const query = bob.session.queryActivity();
  const invite = bob.session.createInvite({ role: 'viewer' }).catch((error) => error.code);
  await rollcall.settle();
  rollcall.service.intercept = undefined;
  await rollcall.breakSockets(bob.client);
  await rollcall.advance(2 * second);
  expect((await query).items.map((item) => item.activityType)).toEqual(['user_joined', 'session_created']);
  expect(await invite).toBe('UNAVAILABLE');
  expect(framesOf('bob', 'activity_query')).toHaveLength(2);
  expect(framesOf('bob', 'invite_create')).toHaveLength(1);
});

test('[row 13] after a minute of changes while offline, one cursor and one status are sent, and each activity once', async () => {
  const ada = await arrive('ada');
  const bob = await arrive('bob');
  await ada.session.setRole('bob', 'commenter');
  const restore = rollcall.cut(bob.client);
  const logged: Promise<unknown>[] = [];
  for (let step = 0; step < 600; step += 1) {
    bob.session.setCursor({ x: step });
    bob.session.setStatus(step % 2 ? 'away' : 'online');
    if (step % 200 === 0) logged.push(bob.session.logActivity('note', { step }));
    await rollcall.advance(100);
  }
  expect(await Promise.all(logged)).toEqual(Array(3).fill({ activityId: expect.any(String), pending: true }));
  const before = rollcall.service.frames.length;
  await restore();
  await rollcall.advance(5 * second);
  const sent = rollcall.service.frames.slice(before).filter(({ userId }) => userId === 'bob');
  const told = sent.filter(({ frame }) => 'cursor' in frame || 'status' in frame).map(({ frame }) => frame.type);
  expect(told.filter((type) => type === 'session_open')).toHaveLength(1);
  expect(sent.filter(({ frame }) => 'cursor' in frame)).toHaveLength(1);
  // The frame with the cursor repeats the status, because a cursor alone would end it.
  expect(sent.filter(({ frame }) => 'status' in frame && !('cursor' in frame))).toHaveLength(1);
  expect(ada.session.others[0]).toMatchObject({ status: 'away', cursor: { x: 599 } });
  expect(sent.filter(({ frame }) => frame.type === 'activity_log')).toHaveLength(3);
  const { items } = await ada.session.queryActivity({ userId: 'bob' });
  const steps = items.flatMap(({ details }) => ('step' in details ? [details['step']] : []));
  expect(steps).toEqual([400, 200, 0]);
});

test('[row 15] [CL8] a status that was chosen while offline is what others see afterwards', async () => {
  const ada = await arrive('ada');
  const bob = await arrive('bob');
  bob.session.setActivity('editing');
  await rollcall.settle();
  const restore = rollcall.cut(bob.client);
  bob.session.setStatus('offline');
  await rollcall.advance(3 * minute);
  expect(ada.left).toEqual(['bob timeout']);
  const seen: unknown[] = [];
  ada.session.on('joined', ({ user }) => seen.push([user.status, user.activity]));
  await restore();
  await rollcall.settle();
  expect(seen).toEqual([['offline', 'editing']]);
  expect(bob.session.self?.status).toBe('offline');
});

test('[CL8] after a reload a user’s activity is the same, and an invisible user is still invisible', async () => {
  const ada = await arrive('ada');
  const bob = await arrive('bob');
  bob.session.setActivity('editing');
  bob.session.setStatus('offline');
  await rollcall.advance(second);
  await rollcall.breakSockets(bob.client);
  rollcall.device(bob.client).freeze();
  const seen: unknown[] = [];
  ada.session.on('updated', ({ user }) => seen.push(user.status));
  const again = await arrive('bob');
  await rollcall.advance(10 * second);
  expect(again.session.self).toMatchObject({ status: 'offline', activity: 'editing' });
  expect(ada.session.others[0]).toMatchObject({ status: 'offline', activity: 'editing' });
  expect(seen).not.toContain('online');
  // The same holds if the service has lost the user meanwhile.
  const restore = rollcall.cut(again.client);
  await rollcall.advance(2 * minute);
  await restore();
  expect(ada.session.others[0]).toMatchObject({ status: 'offline', activity: 'editing' });
});

test('[row 16] [CL7] while the network is cut for 10 s, the list of users does not shrink', async () => {
  await arrive('ada');
  const bob = await arrive('bob');
  const lengths: number[] = [];
  bob.session.subscribe(() => lengths.push(bob.session.others.length));
  const { others } = bob.session;
  const restore = rollcall.cut(bob.client);
  await rollcall.advance(10 * second);
  expect(bob.session.state).toBe('stale');
  await restore();
  await rollcall.settle();
  expect(bob.session.state).toBe('joined');
  expect(new Set(lengths)).toEqual(new Set([1]));
  expect(bob.session.others).toBe(others);
});

test('[row 18] when a user is connected again, others see it within a second', async () => {
  const ada = await arrive('ada');
  const bob = await arrive('bob');
  const restore = rollcall.cut(bob.client);
  await rollcall.advance(2 * minute);
  expect(listOf(ada)).toEqual(['ada']);
  await restore();
  await rollcall.advance(second);
  expect(listOf(ada)).toEqual(['ada', 'bob']);
});

test('[row 18] who comes between the opening of a session and its answer is shown at once', async () => {
  const device = rollcall.device(rollcall.client('ada'));
  const Plain = device.environment.WebSocket!;
  /** A socket on which the answer comes after frames that were sent later. */
  const Late = function Late(url: string, protocols?: string[]): Socket {
    const socket = new Plain(url, protocols);
    let handle: Socket['onmessage'] = null;
    const receive = (event: { data: string }) => {
      const run = () => handle?.(event as never);
      if (event.data.includes('session_opened')) device.environment.after(100, run);
      else run();
    };
    Object.defineProperty(socket, 'onmessage', {
      get: () => handle && receive,
      set(value) {
        handle = value;
      },
    });
    return socket;
  } as unknown as SocketConstructor;
  const late = besides('ada', { WebSocket: Late });
  const session = late.client.open('doc');
  await rollcall.settle();
  await arrive('bob');
  await rollcall.advance(200);
  expect(session.users.map(({ userId }) => userId).sort()).toEqual(['ada', 'bob']);
  late.client.close();
});

test('[row 2] [row 15] [CL8] a user who timed out in a sleep that the socket survived is back at once, with what they said', async () => {
  const ada = await arrive('ada');
  const bob = await arrive('bob');
  await rollcall.advance(20 * second);
  bob.session.setActivity('editing');
  await rollcall.advance(second);
  // Long enough for the service, and too short for the routers to forget the socket.
  rollcall.service.intercept = (_, userId) => (userId === 'bob' ? 'drop' : undefined);
  await rollcall.advance(10 * second);
  const wake = rollcall.freeze(bob.client);
  await rollcall.advance(59 * second);
  expect(ada.left).toEqual(['bob timeout']);
  rollcall.service.intercept = undefined;
  await wake();
  await rollcall.advance(second);
  expect(bob.session.self?.activity).toBe('editing');
  expect(ada.session.others[0]?.activity).toBe('editing');
});

/** Makes the service lose what only Redis has of a user: a new epoch begins. */
function loseData(userId: string) {
  const [room] = rollcall.service.world.rooms.values();
  const person = room!.people.get(userId)!;
  const { activity: _, ...rest } = person.user;
  person.user = { ...rest, status: 'online' };
  person.chosen = undefined;
  room!.epoch = crypto.randomUUID();
  return room!;
}

test('[row 15] [FA2] after the service lost its data the client says again what only it knows', async () => {
  const ada = await arrive('ada');
  const bob = await arrive('bob');
  bob.session.setActivity('editing');
  bob.session.setStatus('away');
  await rollcall.settle();
  const room = loseData('bob');
  room.broadcast({ type: 'presence_state', ...room.snapshot() });
  await rollcall.advance(second);
  expect(ada.session.others[0]).toMatchObject({ activity: 'editing', status: 'away' });
});

test('[row 15] [FA2] a change after the service lost its data is not undone by what the client says again', async () => {
  const ada = await arrive('ada');
  const bob = await arrive('bob');
  bob.session.setActivity('editing');
  bob.session.setData({ page: 1, zoom: 2 });
  await rollcall.settle();
  loseData('bob');
  bob.session.setActivity('reading');
  bob.session.setData({ page: null });
  await rollcall.advance(second);
  expect(ada.session.others[0]).toMatchObject({ activity: 'reading', data: { zoom: 2 } });
  expect(ada.session.others[0]?.data).not.toHaveProperty('page');
});

test('[row 15] [FA2] after the service lost its data a second tab does not undo what the first one says', async () => {
  const ada = await arrive('ada');
  const [first] = [await arrive('bob'), await arrive('bob')];
  first.session.setActivity('editing');
  first.session.setData({ page: 1 });
  await rollcall.settle();
  loseData('bob');
  first.session.setActivity('reading');
  first.session.setData({ page: 2 });
  await rollcall.advance(second);
  expect(ada.session.others[0]).toMatchObject({ activity: 'reading', data: { page: 2 } });
});

test('[row 13] a status that was chosen offline is told once, also to somebody who was away before', async () => {
  const ada = await arrive('ada');
  const bob = await arrive('bob');
  await rollcall.advance(3 * minute);
  expect(ada.session.others[0]?.status).toBe('away');
  const restore = rollcall.cut(bob.client);
  bob.session.setStatus('online');
  await rollcall.advance(5 * second);
  const before = rollcall.service.frames.length;
  await restore();
  await rollcall.advance(second);
  const sent = rollcall.service.frames
    .slice(before)
    .filter(({ userId, frame }) => userId === 'bob' && 'status' in frame);
  expect(sent).toHaveLength(1);
  expect(ada.session.others[0]?.status).toBe('online');
});

test('[row 21] [CL4] of two tabs that nobody uses neither moves the cursor, and the person is away', async () => {
  const ada = await arrive('ada');
  const [first, other] = [await arrive('bob'), await arrive('bob')];
  first.session.setCursor({ x: 1 });
  await rollcall.advance(5 * second);
  other.session.setCursor({ x: 2 });
  // The first heartbeat after a move is not idle yet.
  await rollcall.advance(65 * second);
  const seen = new Set<unknown>();
  ada.session.on('cursors', (cursors) => seen.add(cursors[0]?.cursor['x']));
  await rollcall.advance(5 * minute);
  expect(ada.session.others[0]).toMatchObject({ status: 'away', cursor: { x: 2 } });
  expect([...seen]).toEqual([]);
});

test('[row 15] [PR5] a status of away that was chosen after the last cursor stays when the cursor is sent', async () => {
  const bob = await arrive('bob');
  // While the user is alone, the cursor is not sent.
  bob.session.setCursor({ x: 1 });
  bob.session.setStatus('away');
  await rollcall.advance(second);
  const ada = await arrive('ada');
  await rollcall.advance(second);
  expect(ada.session.others[0]).toMatchObject({ status: 'away', cursor: { x: 1 } });
});

describe('[row 19] [CL4] a hidden tab whose timers wake once a minute, for ten minutes', () => {
  test('is away and does not leave, because its heartbeats are marked hidden', async () => {
    const ada = await arrive('ada');
    const bob = await arrive('bob');
    rollcall.hide(bob.client, { clamped: true });
    await rollcall.advance(10 * minute);
    expect(ada.left).toEqual([]);
    expect(ada.session.others[0]?.status).toBe('away');
    expect(framesOf('bob', 'heartbeat').at(-1)).toMatchObject({ hidden: true });
  });

  test('is away and does not leave while its application sends changes', async () => {
    const ada = await arrive('ada');
    const bob = await arrive('bob');
    rollcall.hide(bob.client, { clamped: true });
    for (let told = 0; told < 10; told += 1) {
      await rollcall.advance(55 * second);
      bob.session.setData({ told });
    }
    expect(ada.left).toEqual([]);
    expect(ada.session.others[0]?.status).toBe('away');
  });

  test('does not leave a session that it joins while it is hidden', async () => {
    const watcher = rollcall.client('ada').open('second');
    await watcher.ready;
    const left: string[] = [];
    watcher.on('left', ({ user, cause }) => left.push(`${user.userId} ${cause}`));
    const bob = await arrive('bob');
    rollcall.hide(bob.client, { clamped: true });
    await rollcall.advance(30 * second);
    await bob.client.open('second').ready;
    await rollcall.advance(10 * minute);
    expect(left).toEqual([]);
    expect(watcher.others[0]?.status).toBe('away');
  });

  test('with a worker, sends ordinary heartbeats in time', async () => {
    const ada = await arrive('ada');
    const bob = await arrive('bob', { worker: true });
    const show = rollcall.hide(bob.client, { clamped: true });
    await rollcall.advance(10 * minute);
    expect(ada.left).toEqual([]);
    expect(ada.session.others[0]?.status).toBe('away');
    expect(framesOf('bob', 'heartbeat').some(({ hidden }) => hidden)).toBe(false);
    expect(framesOf('bob', 'heartbeat').length).toBeGreaterThanOrEqual(19);
    await show();
    await rollcall.settle();
  });

  test('is online again as soon as it is visible', async () => {
    const ada = await arrive('ada');
    const bob = await arrive('bob');
    const show = rollcall.hide(bob.client, { clamped: true });
    await rollcall.advance(10 * minute);
    await show();
    await rollcall.settle();
    expect(ada.session.others[0]?.status).toBe('online');
  });
});

test('[row 20] a failed heartbeat does not discard the token, and closing the tab causes a leave', async () => {
  const ada = await arrive('ada');
  const bob = await arrive('bob');
  rollcall.service.intercept = ({ type }, userId) =>
    type === 'heartbeat' && userId === 'bob' ? new Refusal('UNAVAILABLE', 'Redis is away.') : undefined;
  await rollcall.advance(45 * second);
  expect(framesOf('bob', 'heartbeat').length).toBeGreaterThan(0);
  rollcall.service.intercept = undefined;
  expect(bob.client.state).toBe('open');
  expect(rollcall.device(bob.client).dials).toBe(1);
  rollcall.device(bob.client).tell('leaving');
  rollcall.device(bob.client).freeze();
  await rollcall.advance(5 * second);
  expect(ada.left).toEqual(['bob disconnected']);
  expect(rollcall.service.handshakes).toHaveLength(2);
});

test('[row 26] a page from the back-forward cache has joined again within 2 s', async () => {
  const ada = await arrive('ada');
  const bob = await arrive('bob');
  const device = rollcall.device(bob.client);
  device.tell('leaving');
  device.freeze();
  await rollcall.advance(30 * second);
  device.thaw(false);
  device.tell('restored');
  await rollcall.advance(2 * second);
  expect(bob.session.state).toBe('joined');
  expect(listOf(ada)).toEqual(['ada', 'bob']);
});

test('[row 27] joining, leaving and joining at once causes one handshake, one join and no leave', async () => {
  const client = rollcall.client('bob');
  const session = client.open('doc');
  void session.leave();
  const again = client.open('doc');
  await again.ready;
  await rollcall.advance(second);
  expect(again).toBe(session);
  expect(rollcall.device(client).dials).toBe(1);
  expect(framesOf('bob', 'session_open')).toHaveLength(1);
  expect(framesOf('bob', 'session_leave')).toHaveLength(0);
});

testFastInput('[row 42] a minute of pointer events at 1,000 Hz and typing stays below the rate limit', 1);

test('[row 42] a burst of requests is slowed down below the rate limit', async () => {
  const bob = await arrive('bob');
  const answers = Promise.all(Array.from({ length: 150 }, () => bob.session.queryActivity()));
  await rollcall.advance(9 * second);
  expect(await answers).toHaveLength(150);
});
