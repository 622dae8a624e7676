import { createClientIn } from '../../client/client.ts';
import { createEmitter } from '../../client/emitter.ts';
import type { Environment } from '../../client/environment.ts';
import { createGatherer } from '../../client/gather.ts';
import type { Client, Session } from '../../client/index.ts';
import { createPresence, type Diff, type WireUser } from '../../client/presence.ts';
import { createTestRollcall, type TestRollcall } from '../../client/testing/index.ts';
import { Refusal } from '../../client/testing/refusal.ts';
import { aliasOf } from '../../protocol/compact.ts';

const second = 1000;
let rollcall: TestRollcall;
beforeEach(() => {
  rollcall = createTestRollcall();
});
afterEach(() => rollcall.close());

async function arrive(user: string): Promise<{ client: Client; session: Session }> {
  const client = rollcall.client(user);
  const session = client.open('doc');
  await session.ready;
  await rollcall.settle();
  return { client, session };
}
const framesOf = (user: string, type?: string) =>
  rollcall.service.frames
    .filter(({ userId, frame }) => userId === user && (type ?? frame.type) === frame.type)
    .map(({ frame }) => frame);

describe('[CL4] heartbeats', () => {
  test('are sent at the interval of the service, with the cursor and the last applied `seq`', async () => {
    const { session } = await arrive('ada');
    await arrive('bob');
    session.setCursor({ x: 1 });
    await rollcall.advance(61 * second);
    const beats = framesOf('ada', 'heartbeat');
    expect(beats).toHaveLength(2);
    expect(beats[0]).toMatchObject({ cursor: { x: 1 }, seq: expect.any(Number), epoch: expect.any(String) });
  });

  test('are not sent if another frame was sent within the interval', async () => {
    const { session } = await arrive('ada');
    await arrive('bob');
    for (let turn = 0; turn < 6; turn += 1) {
      await rollcall.advance(20 * second);
      session.setActivity(`turn ${turn}`);
    }
    expect(framesOf('ada', 'heartbeat')).toEqual([]);
  });

  test('are marked idle without input, so that others see the user as away after two minutes', async () => {
    const ada = await arrive('ada');
    const bob = await arrive('bob');
    const device = rollcall.device(bob.client);
    await rollcall.advance(20 * second);
    device.tell('input');
    await rollcall.advance(95 * second);
    expect(framesOf('bob', 'heartbeat').map(({ idle }) => idle)).toEqual([undefined, true, true]);
    expect(ada.session.others[0]?.status).toBe('online');
    await rollcall.advance(40 * second);
    expect(ada.session.others[0]?.status).toBe('away');
    device.tell('input');
    await rollcall.advance(30 * second);
    expect(ada.session.others[0]?.status).toBe('online');
  });

  test('request a reply if no frame arrived for an interval, and detect a dead socket by a missing reply', async () => {
    const ada = await arrive('ada');
    rollcall.cut(ada.client, { silent: true });
    await rollcall.advance(45 * second);
    expect(ada.session.state).toBe('stale');
  });

  test('a dead socket on which only cursors are sent is detected', async () => {
    await arrive('ada');
    const bob = await arrive('bob');
    rollcall.cut(bob.client, { silent: true });
    for (let turn = 0; turn < 700; turn += 1) {
      bob.session.setCursor({ x: turn });
      await rollcall.advance(100);
    }
    expect(bob.session.state).toBe('stale');
  });
});

describe('[CL5] cursors', () => {
  test('are sent at once, then at most every 100 ms, with the latest one', async () => {
    await arrive('ada');
    const { session } = await arrive('bob');
    for (let at = 0; at < 1000; at += 10) {
      session.setCursor({ x: at });
      await rollcall.advance(10);
    }
    await rollcall.advance(200);
    const sent = framesOf('bob', 'cursor_update');
    expect(sent.length).toBeGreaterThanOrEqual(10);
    expect(sent.length).toBeLessThanOrEqual(12);
    expect(sent[0]).toMatchObject({ cursor: { x: 0 } });
    expect(sent.at(-1)).toMatchObject({ cursor: { x: 990 } });
  });

  test('are not sent while the user is alone; a user who joins gets the latest one', async () => {
    const { session } = await arrive('ada');
    session.setCursor({ x: 1 });
    await rollcall.advance(5 * second);
    expect(framesOf('ada', 'cursor_update')).toEqual([]);
    const bob = await arrive('bob');
    await rollcall.advance(second);
    expect(bob.session.cursors).toMatchObject([{ userId: 'ada', cursor: { x: 1 } }]);
  });
});

test('somebody alone still sees their own cursor after a heartbeat has carried it', async () => {
  const { session } = await arrive('ada');
  session.setCursor({ x: 1 });
  await rollcall.advance(31 * second);
  expect(framesOf('ada', 'heartbeat').at(-1)).toMatchObject({ cursor: { x: 1 } });
  session.setActivity('editing');
  await rollcall.settle();
  expect(session.self).toMatchObject({ activity: 'editing', cursor: { x: 1 } });
});

test('each frame of a type with `order` has a higher `order` than the frames before it on the same connection', async () => {
  const { client, session } = await arrive('ada');
  await arrive('bob');
  session.setCursor({ x: 1 });
  session.setStatus('away');
  await rollcall.advance(40 * second);
  await session.leave();
  const again = client.open('doc');
  await again.ready;
  const ordered = framesOf('ada').filter(({ type }) => type !== 'hello' && type !== 'ping');
  expect(ordered.map(({ order }) => order)).toEqual(ordered.map((_, index) => index + 1));
  expect(ordered.map(({ type }) => type)).toEqual(
    expect.arrayContaining(['session_open', 'cursor_update', 'presence_update', 'heartbeat', 'session_leave']),
  );
});

test('the client waits for the answer of a leave before it joins the same session again', async () => {
  const { client, session } = await arrive('ada');
  rollcall.service.intercept = ({ type }) => (type === 'session_leave' ? 'drop' : undefined);
  void session.leave().catch(() => {});
  await rollcall.settle();
  const again = client.open('doc');
  await rollcall.advance(9 * second);
  expect(framesOf('ada', 'session_open')).toHaveLength(1);
  await rollcall.advance(2 * second);
  await again.ready;
  expect(framesOf('ada', 'session_open')).toHaveLength(2);
});

test('a refused change is reported, and the user is shown as the service has them', async () => {
  const { session } = await arrive('ada');
  const errors: string[] = [];
  session.on('error', ({ code }) => errors.push(code));
  rollcall.service.intercept = ({ type }) =>
    type === 'presence_update' ? new Refusal('TOO_LARGE', 'The text is too long; shorten it.') : undefined;
  session.setActivity('x'.repeat(300));
  expect(session.self?.activity).toHaveLength(300);
  await rollcall.settle();
  expect(errors).toEqual(['TOO_LARGE']);
  expect(session.self?.activity).toBeUndefined();
});

test('[row 42] after RATE_LIMITED the connection stays open and each message is sent again', async () => {
  const ada = await arrive('ada');
  const bob = await arrive('bob');
  let refusals = 3;
  rollcall.service.intercept = ({ type }) => {
    if (!/presence_update|activity_query/.test(type) || refusals === 0) return undefined;
    refusals -= 1;
    return new Refusal('RATE_LIMITED', 'Too many messages; wait a moment.');
  };
  bob.session.setActivity('still here');
  const query = bob.session.queryActivity();
  await rollcall.advance(8 * second);
  expect((await query).items.map((item) => item.activityType)).toEqual([
    'user_joined',
    'user_joined',
    'session_created',
  ]);
  expect(ada.session.others[0]?.activity).toBe('still here');
  expect(rollcall.device(bob.client).dials).toBe(1);
});

describe('the socket is lost while a message waits after RATE_LIMITED', () => {
  /** The first message of a type is refused, and the later ones are lost. */
  function limitOnce(type: string): void {
    let isFirst = true;
    rollcall.service.intercept = (frame) => {
      if (frame.type !== type) return undefined;
      const fault = isFirst ? new Refusal('RATE_LIMITED', 'Too many messages; wait a moment.') : 'drop';
      isFirst = false;
      return fault;
    };
  }

  test('[row 12] [CL9] a message for this socket only fails at once', async () => {
    const bob = await arrive('bob');
    const errors: string[] = [];
    bob.session.on('error', ({ code }) => errors.push(code));
    limitOnce('broadcast');
    bob.session.broadcast('wave', {});
    await rollcall.settle();
    expect(errors).toEqual([]);
    await rollcall.breakSockets(bob.client);
    expect(errors).toEqual(['UNAVAILABLE']);
  });

  test('[CL3] a request is sent once on the next socket', async () => {
    const bob = await arrive('bob');
    limitOnce('activity_query');
    const query = bob.session.queryActivity().catch(({ code }) => code);
    await rollcall.settle();
    await rollcall.breakSockets(bob.client);
    await rollcall.advance(5 * second);
    expect(bob.session.state).toBe('joined');
    expect(framesOf('bob', 'activity_query')).toHaveLength(2);
    await rollcall.advance(5 * second);
    expect(await query).toBe('UNAVAILABLE');
  });
});

test('unchanged values stay the same objects, and listeners are called once per change', async () => {
  const ada = await arrive('ada');
  const bob = await arrive('bob');
  await arrive('cleo');
  const { others, users, cursors } = ada.session;
  const snapshot = ada.session.getSnapshot();
  const cleo = others.find(({ userId }) => userId === 'cleo');
  await rollcall.advance(25 * second);
  expect(ada.session.getSnapshot()).toBe(snapshot);
  let calls = 0;
  ada.session.subscribe(() => {
    calls += 1;
  });
  bob.session.setActivity('typing');
  await rollcall.settle();
  expect(calls).toBe(1);
  expect(ada.session.others).not.toBe(others);
  expect(ada.session.users).not.toBe(users);
  expect(ada.session.cursors).toBe(cursors);
  expect(ada.session.others.find(({ userId }) => userId === 'cleo')).toBe(cleo);
});

test('a listener that throws does not stop the others, and its error is reported', () => {
  const later: (() => void)[] = [];
  const spy = jest.spyOn(globalThis, 'queueMicrotask').mockImplementation((run) => later.push(run));
  const { on, emit } = createEmitter<{ state: string }>();
  const heard: string[] = [];
  on('state', () => {
    throw new Error('of the application');
  });
  const stop = on('state', (state) => heard.push(state));
  emit('state', 'open');
  stop();
  emit('state', 'closed');
  spy.mockRestore();
  expect(heard).toEqual(['open']);
  expect(later).toHaveLength(2);
  expect(later[0]).toThrow('of the application');
});

describe('the list of users', () => {
  const user = (userId: string, more: Partial<WireUser> = {}): WireUser => ({
    userId,
    username: userId,
    role: 'viewer',
    status: 'online',
    lastSeen: 10,
    lastActive: 10,
    joinedAt: 1,
    connections: 1,
    ...more,
  });
  const diff = (seq: number, changes: Partial<Diff>, epoch = 'one1'): Diff => ({
    epoch,
    seq,
    joins: [],
    updates: [],
    leaves: [],
    ...changes,
  });
  const start = (users: WireUser[], seq = 5) => {
    const presence = createPresence(Date);
    presence.apply({ epoch: 'one1', seq, users });
    return presence;
  };

  test('applies diffs in the order of their numbers, in whatever order they arrive', () => {
    const presence = start([user('a')]);
    presence.apply(diff(7, { leaves: [{ userId: 'b', cause: 'left' }] }));
    expect(presence.waiting).toHaveLength(1);
    const { joined, left } = presence.apply(diff(6, { joins: [user('b')] }));
    expect([joined.length, left.length, presence.seq, presence.waiting.length]).toEqual([1, 1, 7, 0]);
    expect([...presence.users.keys()]).toEqual(['a']);
  });

  test('ignores a diff that is in the snapshot, and a snapshot that is older than the applied diffs', () => {
    const presence = start([user('a')]);
    presence.apply(diff(5, { leaves: [{ userId: 'a', cause: 'left' }] }));
    presence.apply(diff(6, { joins: [user('b')] }));
    presence.apply({ epoch: 'one1', seq: 5, users: [] });
    expect([...presence.users.keys()]).toEqual(['a', 'b']);
  });

  test('keeps a diff of another epoch until the snapshot of that epoch arrives', () => {
    const presence = start([user('a')]);
    presence.apply(diff(2, { joins: [user('c')] }, 'two2'));
    expect(presence.waiting).toHaveLength(1);
    presence.apply({ epoch: 'two2', seq: 1, users: [user('b')] });
    expect([...presence.users.keys()]).toEqual(['b', 'c']);
  });

  test('applies changes: absent fields stay, null removes a field, data changes by key', () => {
    const presence = start([user('a', { activity: 'x', data: { one: 1, two: 2 } })]);
    presence.apply(diff(6, { updates: [{ userId: 'a', activity: null, data: { two: null, three: 3 } }] }));
    expect(presence.users.get('a')).toMatchObject({ status: 'online', data: { one: 1, three: 3 } });
    expect(presence.users.get('a')).not.toHaveProperty('activity');
    expect(presence.users.get('a')?.data).not.toHaveProperty('two');
  });

  test('keeps the newest cursor; a snapshot has the cursors until `lastActive`', () => {
    const presence = start([user('a')]);
    presence.move([{ userId: 'a', cursor: { x: 2 }, at: 30 }]);
    presence.move([{ userId: 'a', cursor: { x: 1 }, at: 20 }]);
    expect(presence.users.get('a')?.cursor).toEqual({ x: 2 });
    presence.apply({ epoch: 'one1', seq: 6, users: [user('a', { cursor: { x: 0 }, lastActive: 25 })] });
    expect(presence.users.get('a')?.cursor).toEqual({ x: 2 });
    presence.apply({ epoch: 'one1', seq: 7, users: [user('a', { cursor: { x: 3 }, lastActive: 40 })] });
    expect(presence.users.get('a')?.cursor).toEqual({ x: 3 });
  });

  test('[PR19] removes a cursor at its end, and keeps one that came after the end', () => {
    const presence = start([user('a')]);
    const ends = (seq: number, at: number) =>
      presence.apply(diff(seq, { updates: [{ userId: 'a', cursor: null, lastActive: at }] }));
    presence.move([{ userId: 'a', cursor: { x: 1 }, at: 20 }]);
    ends(6, 30);
    presence.move([{ userId: 'a', cursor: { x: 2 }, at: 25 }]);
    expect(presence.users.get('a')).not.toHaveProperty('cursor');
    presence.move([{ userId: 'a', cursor: { x: 3 }, at: 50 }]);
    ends(7, 40);
    expect(presence.users.get('a')?.cursor).toEqual({ x: 3 });
  });

  test('reports that a compact frame cannot be decoded', () => {
    const presence = start([user('a', { index: 1, cursor: { x: 1 } })]);
    const frame = { alias: aliasOf('one1'), whole: [] };
    expect(presence.moveCompact({ ...frame, moves: [{ index: 9, tag: 'abc', numbers: [1] }] })).toBe(true);
    expect(presence.moveCompact({ ...frame, moves: [{ index: 1, tag: 'abc', numbers: [1] }] })).toBe(true);
  });

  test('reassembles a frame in parts when all parts have arrived, in any order', () => {
    const gather = createGatherer();
    const part = (number: number, snapshotId = 's') => ({ part: number, parts: 2, snapshotId, users: [number] });
    expect(gather({ type: 'presence_state', ...part(2) })).toBeUndefined();
    expect(gather({ type: 'presence_state', ...part(1, 'other') })).toBeUndefined();
    const whole = gather({ type: 'session_joined', requestId: 'r1', ...part(1) });
    expect(whole).toMatchObject({ type: 'session_joined', requestId: 'r1', users: [1, 2] });
  });
});

test('after a second the client requests a snapshot for a lost diff', async () => {
  const ada = await arrive('ada');
  const bob = await arrive('bob');
  rollcall.service.loseNext('ada', 'presence_diff');
  bob.session.setActivity('lost');
  await rollcall.advance(200);
  expect(ada.session.others[0]?.activity).toBeUndefined();
  bob.session.setData({ next: 1 });
  await rollcall.advance(200);
  expect(ada.session.others[0]?.data).toEqual({});
  await rollcall.advance(second);
  expect(ada.session.others[0]).toMatchObject({ activity: 'lost', data: { next: 1 } });
  expect(framesOf('ada', 'presence_sync')).toHaveLength(1);
});

test('if the last diff is lost and no frame follows, the next heartbeat brings a snapshot', async () => {
  const ada = await arrive('ada');
  const bob = await arrive('bob');
  rollcall.service.loseNext('ada', 'presence_diff');
  bob.session.setActivity('lost');
  await rollcall.advance(31 * second);
  expect(ada.session.others[0]?.activity).toBe('lost');
});

test.each([
  ['without a WebSocket', undefined, /^This platform has no WebSocket; set the option WebSocket/],
  [
    'with an address that no socket accepts',
    class {
      constructor() {
        throw new SyntaxError('The URL is invalid.');
      }
    },
    /^The URL is invalid/,
  ],
])('[CL1] %s the client reports an error at once and makes no further attempt', async (_, WebSocket, sentence) => {
  const environment = { ...rollcall.device(rollcall.client('ada')).environment, WebSocket };
  const log = jest.fn();
  const alone = createClientIn(environment as Environment, {
    url: 'wss://example.org',
    token: () => rollcall.token('ada'),
    log,
  });
  const failure = await alone.open('doc').ready.catch((error) => error);
  expect(failure).toMatchObject({ message: expect.stringMatching(sentence), retryable: false });
  expect(alone.state).toBe('closed');
  await rollcall.advance(60_000);
  expect(log.mock.calls.filter(([line]) => line === 'An attempt to connect failed.')).toHaveLength(1);
  alone.close();
});
