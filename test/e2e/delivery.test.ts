import { changeOf, joinOf, leaveOf, leavesOf } from '../support/presence-frames.ts';
import { type Arrived, startTestStack, type TestStack } from '../support/stack.ts';

let stack: TestStack;

beforeAll(async () => {
  stack = await startTestStack({ RECONNECT_GRACE_SECONDS: '0.5' });
});
afterEach(() => {
  stack.posts.refuse = () => undefined;
});
afterAll(() => stack.close());

const cursor = (position: number) => ({ eventId: 'e', position });

/** A session whose users have all been told of each other. */
async function room(...names: string[]): Promise<{ people: Arrived[]; sessionId: string }> {
  const { owner, session } = await stack.host(names[0]!);
  const people = [owner];
  for (const name of names.slice(1)) {
    const person = await stack.arrive(name);
    await person.expect('session_joined', { type: 'session_join', sessionId: session.id });
    for (const earlier of people) await joinOf(earlier, person.userId);
    people.push(person);
  }
  return { people, sessionId: session.id };
}

test('[DE1] a cursor reaches the other connections of its session, but not its sender and no other session', async () => {
  const [{ people, sessionId }, elsewhere] = await Promise.all([room('ada', 'bob'), room('eve', 'fay')]);
  const [ada, bob] = people as [Arrived, Arrived];
  await bob.expect('ack', { type: 'cursor_update', sessionId, cursor: cursor(1) });
  await ada.next('cursors');
  // Posts arrive in order, so the answer to a later request shows that all earlier posts have arrived.
  for (const person of [ada, bob]) await person.expect('presence_state', { type: 'presence_sync', sessionId });
  for (const person of elsewhere.people) await person.expect('pong', { type: 'ping' });
  expect(bob.framesOf('cursors')).toEqual([]);
  for (const person of elsewhere.people) expect(person.framesOf('cursors')).toEqual([]);
  const receivers = stack.posts.of('cursors').map((post) => post.connectionId);
  expect(receivers).toEqual([ada.connectionId]);
});

test('[DE1] a user who is alone in a session causes no posts', async () => {
  const before = stack.posts.posts.length;
  const { owner, session } = await stack.host('gus');
  const sessionId = session.id;
  for (let position = 0; position < 5; position += 1) {
    owner.send({ type: 'cursor_update', sessionId, cursor: cursor(position) });
    owner.send({ type: 'heartbeat', sessionId });
  }
  await owner.expect('ack', { type: 'presence_update', sessionId, status: 'away', activity: 'alone' });
  await owner.expect('activity_logged', { type: 'activity_log', sessionId, activityType: 'noted' });
  await owner.expect('session_left', { type: 'session_leave', sessionId });
  const posts = stack.posts.posts.slice(before).filter(({ connectionId }) => connectionId === owner.connectionId);
  // On a busy machine Redis may be too slow for a frame. The user is told so, and the frame tells nobody anything.
  expect(posts.filter(({ frame }) => frame?.['code'] !== 'UNAVAILABLE')).toEqual([]);
});

test('[DE10] each request has exactly one reply: a route response, or one post if the route has none', async () => {
  const { owner, session } = await stack.host('hal');
  const sessionId = session.id;
  const before = stack.posts.posts.length;
  const replies: Record<string, string> = {
    heartbeat: 'posted',
    cursor_update: 'posted',
    presence_update: 'responded',
    presence_sync: 'responded',
    participants_list: 'responded',
    activity_query: 'responded',
    machine_list: 'responded',
    ping: 'responded',
    hello: 'responded',
    nonsense: 'responded',
  };
  const found: Record<string, string> = {};
  for (const type of Object.keys(replies)) {
    const { requestId } = await owner.ask({ type, sessionId, cursor: cursor(1) });
    const posts = stack.posts.posts.slice(before).filter((post) => post.frame?.['requestId'] === requestId);
    found[type] = posts.length === 1 ? 'posted' : 'responded';
  }
  expect(found).toEqual(replies);
  await owner.expect('pong', { type: 'ping' });
  const ids = owner.frames.map((frame) => frame.requestId).filter(Boolean);
  expect(new Set(ids).size).toBe(ids.length);
});

test('[DE10] a quiet request without a requestId is answered only if it fails', async () => {
  const { owner, session } = await stack.host('ida');
  const sessionId = session.id;
  const frames = owner.frames.length;
  owner.send({ type: 'heartbeat', sessionId });
  owner.send({ type: 'cursor_update', sessionId, cursor: cursor(2) });
  owner.send({ type: 'presence_update', sessionId, status: 'online' });
  await owner.expect('ack', { type: 'heartbeat', sessionId });
  await owner.expect('ack', { type: 'cursor_update', sessionId, cursor: cursor(3) });
  await owner.expect('ack', { type: 'presence_update', sessionId, status: 'online' });
  expect(owner.frames.slice(frames).map((frame) => frame.type)).toEqual(['ack', 'ack', 'ack']);
  owner.send({ type: 'heartbeat', sessionId: 'SESSION-20200101-NONE' });
  const refusal = await owner.next('error');
  expect(refusal).toMatchObject({ code: 'NOT_IN_SESSION' });
  expect(refusal).not.toHaveProperty('requestId');
});

test('[DE6] the answer 410 removes that connection from all its sessions, and no other connection', async () => {
  const { people, sessionId } = await room('jan', 'kim', 'lea');
  const [jan, kim, lea] = people as [Arrived, Arrived, Arrived];
  const second = await stack.host('mia');
  const other = second.session.id;
  await lea.expect('session_joined', { type: 'session_join', sessionId: other });
  await joinOf(second.owner, lea.userId);
  stack.posts.refuse = ({ connectionId }) => (connectionId === lea.connectionId ? 410 : undefined);
  await kim.expect('ack', { type: 'presence_update', sessionId, activity: 'typing' });
  expect(await changeOf(jan, kim.userId, ({ activity }) => activity === 'typing')).toBeDefined();
  expect(await leaveOf(jan, lea.userId)).toBe('gone');
  expect(await leaveOf(second.owner, lea.userId)).toBe('gone');
  expect([leavesOf(jan, kim.userId), leavesOf(kim, jan.userId)]).toEqual([0, 0]);
  expect(await stack.audit(sessionId, 'user_left')).toMatchObject([{ details: { cause: 'gone' } }]);
  const { users } = await jan.expect('presence_state', { type: 'presence_sync', sessionId });
  expect(users.map((user) => user.userId).sort()).toEqual([jan.userId, kim.userId].sort());
});

test.each([429, 500])(
  '[DE6] after the answer %i, a state frame is retried, and a cursor is sent again only with the next frame of its user',
  async (status) => {
    const { people, sessionId } = await room(`nat${status}`, `oda${status}`);
    const [nat, oda] = people as [Arrived, Arrived];
    let refused = 0;
    stack.posts.refuse = ({ connectionId, frame }) => {
      if (connectionId !== nat.connectionId || frame?.type !== 'presence_diff' || refused >= 2) return undefined;
      refused += 1;
      return status;
    };
    await oda.expect('ack', { type: 'presence_update', sessionId, activity: 'patient' });
    expect(await changeOf(nat, oda.userId, ({ activity }) => activity === 'patient')).toBeDefined();
    expect(refused).toBe(2);

    const before = stack.posts.posts.length;
    stack.posts.refuse = ({ frame }) => (frame?.type === 'cursors' ? status : undefined);
    await oda.expect('ack', { type: 'cursor_update', sessionId, cursor: cursor(9) });
    await oda.expect('presence_state', { type: 'presence_sync', sessionId });
    const toNat = () =>
      stack.posts.of('cursors', before).filter((post) => post.connectionId === nat.connectionId).length;
    expect(toNat()).toBe(1);
    expect(nat.framesOf('cursors')).toEqual([]);
    stack.posts.refuse = () => undefined;
    oda.send({ type: 'heartbeat', sessionId, idle: true });
    expect((await nat.next('cursors')).cursors).toMatchObject([{ userId: oda.userId, cursor: cursor(9) }]);
    expect(toNat()).toBe(2);
    expect(leavesOf(oda, nat.userId)).toBe(0);
  },
);

test('[DE6] a cursor arrives although the HTTP connection of its post ends before the answer', async () => {
  const { people, sessionId } = await room('sam', 'tia');
  const [sam, tia] = people as [Arrived, Arrived];
  let isFirst = true;
  stack.posts.refuse = ({ frame }) => {
    if (frame?.type !== 'cursors' || !isFirst) return undefined;
    isFirst = false;
    return 'break';
  };
  tia.send({ type: 'cursor_update', sessionId, cursor: cursor(4) });
  expect((await sam.next('cursors')).cursors).toMatchObject([{ userId: tia.userId, cursor: cursor(4) }]);
  expect(isFirst).toBe(false);
});

test('[DE5] a receiver that always fails does not delay the others and does not make them fail', async () => {
  const { people, sessionId } = await room('pam', 'quy', 'rob');
  const [pam, quy, rob] = people as [Arrived, Arrived, Arrived];
  stack.posts.refuse = ({ connectionId }) => (connectionId === rob.connectionId ? 500 : undefined);
  const started = stack.posts.posts.length;
  await quy.expect('ack', { type: 'presence_update', sessionId, activity: 'on' });
  expect(await changeOf(pam, quy.userId, ({ activity }) => activity === 'on')).toBeDefined();
  const posts = stack.posts.of('presence_diff', started);
  const toPam = posts.find((post) => post.connectionId === pam.connectionId)!;
  const toRob = posts.filter((post) => post.connectionId === rob.connectionId);
  expect(toRob.length).toBeGreaterThan(1);
  expect(toRob.length).toBeLessThanOrEqual(4);
  expect(toPam.at).toBeLessThan(toRob.at(-1)!.at);
  const { users } = await pam.expect('presence_state', { type: 'presence_sync', sessionId });
  expect(users).toHaveLength(3);
});
