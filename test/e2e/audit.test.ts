import { randomUUID } from 'node:crypto';
import type { ServerFrame } from '../../protocol/frames.ts';
import { joinOf } from '../support/presence-frames.ts';
import { startTestStack, type TestStack } from '../support/stack.ts';

let stack: TestStack;

beforeAll(async () => {
  stack = await startTestStack();
});
afterAll(() => stack.close());

test('[AC1][AC6] when the answer arrives, the entry is in PostgreSQL with IP address and user agent', async () => {
  const { owner, session } = await stack.host('ada');
  const details = { text: "it's; DROP TABLE activity_log; --", deep: { list: [1, null, true] } };
  const log = { type: 'activity_log', sessionId: session.id, activityType: 'noted', details };
  const { activityId } = await owner.expect('activity_logged', log);
  expect(await stack.audit(session.id, 'noted')).toEqual([
    {
      id: activityId,
      user_id: owner.userId,
      activity_type: 'noted',
      details,
      ip_address: '127.0.0.1',
      user_agent: null,
    },
  ]);
});

test('[AC6] the entries of a connection have its user agent', async () => {
  const { token } = (await (await fetch(`${stack.http}/dev/token?user=uma&name=Uma`)).json()) as { token: string };
  const { default: WebSocket } = await import('ws');
  const socket = new WebSocket(`${stack.websocket}?token=${token}`, {
    headers: { 'User-Agent': 'Browser/1.0 (test)' },
  });
  const created = await new Promise<ServerFrame<'session_created'>>((resolve, reject) => {
    socket.once('error', reject);
    socket.once('open', () => socket.send('{"type":"session_create","operationId":"op","requestId":"1"}'));
    socket.once('message', (data) => resolve(JSON.parse(String(data)) as ServerFrame<'session_created'>));
  });
  const entries = await stack.audit(created.session.id);
  expect(entries.map((entry) => entry.activity_type).sort()).toEqual(['session_created', 'user_joined']);
  for (const entry of entries)
    expect(entry).toMatchObject({ user_agent: 'Browser/1.0 (test)', ip_address: '127.0.0.1' });
  socket.close();
});

test('[AC1] an activity with the same activityId is written and announced once, however often it is sent', async () => {
  const { owner, session } = await stack.host('bea');
  const guest = await stack.arrive('ben');
  await guest.expect('session_joined', { type: 'session_join', sessionId: session.id });
  const activityId = randomUUID();
  const log = { type: 'activity_log', sessionId: session.id, activityType: 'noted', activityId };
  for (let attempt = 0; attempt < 3; attempt += 1) {
    expect(await owner.expect('activity_logged', log)).toMatchObject({ activityId });
  }
  await guest.next('activity');
  await guest.expect('pong', { type: 'ping' });
  expect(guest.framesOf('activity')).toHaveLength(1);
  expect(await stack.audit(session.id, 'noted')).toHaveLength(1);
});

test('[DE9] activity and cursors reach only connections with a role that may see them', async () => {
  const visibility = { activity: 'commenter', cursors: 'operator' } as const;
  const { owner, session } = await stack.host('cleo', { visibility });
  const people = [];
  for (const role of ['viewer', 'commenter', 'operator']) {
    const create = { type: 'invite_create', sessionId: session.id, role };
    const { invite } = await owner.expect('invite_created', create);
    const person = await stack.arrive(`c${role}`);
    await person.expect('session_joined', { type: 'session_join', sessionId: session.id, invite });
    for (const earlier of [owner, ...people]) await joinOf(earlier, person.userId);
    people.push(person);
  }
  const [viewer, commenter, operator] = people as [(typeof people)[0], (typeof people)[0], (typeof people)[0]];
  await owner.expect('activity_logged', { type: 'activity_log', sessionId: session.id, activityType: 'noted' });
  const cursor = { eventId: 'e', position: 1 };
  await owner.expect('ack', { type: 'cursor_update', sessionId: session.id, cursor });
  const [shown] = await Promise.all([commenter.next('activity'), operator.next('activity'), operator.next('cursors')]);
  expect(shown).toMatchObject({
    sessionId: session.id,
    activity: { activityType: 'noted', userId: owner.userId, username: 'Cleo', ipAddress: null, userAgent: null },
  });
  const sync = { type: 'presence_sync', sessionId: session.id };
  const cursorsShown = async (person: typeof owner) =>
    (await person.expect('presence_state', sync)).users.filter((user) => user.cursor).length;
  expect(await Promise.all([viewer, commenter, operator, owner].map(cursorsShown))).toEqual([0, 0, 1, 1]);
  expect([viewer.framesOf('activity').length, viewer.framesOf('cursors').length]).toEqual([0, 0]);
  expect(commenter.framesOf('cursors')).toEqual([]);
  expect(owner.framesOf('activity')).toEqual([]);
  const read = (person: typeof owner) => person.ask({ type: 'activity_query', sessionId: session.id });
  expect(await read(viewer)).toMatchObject({ type: 'error', code: 'PERMISSION_DENIED' });
  const addresses = (frame: ServerFrame) =>
    new Set((frame as ServerFrame<'activity_page'>).items.filter((item) => item.ipAddress).map((item) => item.userId));
  expect(addresses(await read(commenter))).toEqual(new Set([commenter.userId]));
  expect(addresses(await read(owner)).size).toBe(4);
});

test('[AC4] pages of the audit trail have the newest entries first, without gap or repetition, while it grows', async () => {
  const { owner, session } = await stack.host('dana');
  const sessionId = session.id;
  const log = (index: number) =>
    owner.expect('activity_logged', { type: 'activity_log', sessionId, activityType: 'step', details: { index } });
  for (let index = 0; index < 7; index += 1) await log(index);
  const seen: unknown[] = [];
  let before: string | undefined;
  do {
    const query = { type: 'activity_query', sessionId, limit: 3, activityType: 'step', before };
    const page: ServerFrame<'activity_page'> = await owner.expect('activity_page', query);
    expect(page.items.length).toBeLessThanOrEqual(3);
    seen.push(...page.items.map((item) => item.details['index']));
    if (before === undefined) await log(99);
    before = page.next;
  } while (before !== undefined);
  expect(seen).toEqual([6, 5, 4, 3, 2, 1, 0]);
});

test('[PR9] heartbeats and cursors have no entry, and a client cannot write the types of the server', async () => {
  const { owner, session } = await stack.host('elsa');
  const sessionId = session.id;
  await owner.expect('ack', { type: 'heartbeat', sessionId, cursor: { eventId: 'e', position: 1 } });
  await owner.expect('ack', { type: 'cursor_update', sessionId, cursor: { eventId: 'e', position: 2 } });
  const forged = { type: 'activity_log', sessionId, activityType: 'user_left', details: { cause: 'left' } };
  expect(await owner.ask(forged)).toMatchObject({ type: 'error', code: 'INVALID_MESSAGE' });
  const types = (await stack.audit(sessionId)).map((entry) => entry.activity_type).sort();
  expect(types).toEqual(['session_created', 'user_joined']);
});

test('presence_history returns the users who were present at a time', async () => {
  const { owner, session } = await stack.host('fred');
  const sessionId = session.id;
  const guest = await stack.arrive('gail');
  await guest.expect('session_joined', { type: 'session_join', sessionId });
  const { serverTime: during } = await guest.expect('pong', { type: 'ping' });
  await guest.expect('session_left', { type: 'session_leave', sessionId });
  const { serverTime: after } = await guest.expect('pong', { type: 'ping' });
  const at = async (moment: number) => {
    const history = await owner.expect('presence_history', { type: 'presence_history', sessionId, at: moment });
    return history.stays.map((stay) => stay.username).sort();
  };
  expect(await at(during)).toEqual(['Fred', 'Gail']);
  expect(await at(after + 1)).toEqual(['Fred']);
  expect(await at(session.startTime - 1)).toEqual([]);
});
