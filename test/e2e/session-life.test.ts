import { changeOf, joinOf, joinsOf, leaveOf, leavesOf, stayPresent } from '../support/presence-frames.ts';
import { startTestStack, type TestStack } from '../support/stack.ts';
import { expectWithin } from '../support/time-limits.ts';

let stack: TestStack;

beforeAll(async () => {
  stack = await startTestStack();
});
afterAll(() => stack.close());

async function slot(sessionId: string, userId: string) {
  const { rows } = await stack.database.query(
    'SELECT role, is_active, left_at, left_cause FROM session_participants WHERE session_id = $1 AND person_id = $2',
    [sessionId, userId],
  );
  return rows;
}

test('two users join, move cursors, set activities and leave, and each is told of the other', async () => {
  const { owner: ada, session } = await stack.host('ada');
  const bob = await stack.arrive('bob');
  const joined = await bob.expect('session_joined', { type: 'session_join', sessionId: session.id });
  expect(joined.users.map((user) => user.username).sort()).toEqual(['Ada', 'Bob']);
  expect(joined.role).toBe('viewer');
  expect(await joinOf(ada, bob.userId)).toMatchObject({ username: 'Bob', status: 'online', connections: 1 });

  await bob.expect('ack', {
    type: 'cursor_update',
    sessionId: session.id,
    cursor: { eventId: 'e', position: 7, colour: 'red' },
  });
  const { cursors } = await ada.next('cursors');
  expect(cursors).toEqual([
    { userId: bob.userId, cursor: { eventId: 'e', position: 7, colour: 'red' }, at: expect.any(Number) },
  ]);

  await bob.expect('ack', { type: 'presence_update', sessionId: session.id, status: 'away', activity: 'reading' });
  expect(await changeOf(ada, bob.userId, (change) => change['status'] === 'away')).toMatchObject({
    activity: 'reading',
  });
  const state = await ada.expect('presence_state', { type: 'presence_sync', sessionId: session.id });
  expect(state.users.find((user) => user.userId === bob.userId)).toMatchObject({ status: 'away', activity: 'reading' });

  await bob.expect('session_left', { type: 'session_leave', sessionId: session.id });
  expect(await leaveOf(ada, bob.userId)).toBe('left');
  expect(await stack.audit(session.id, 'user_left')).toMatchObject([
    { user_id: bob.userId, details: { cause: 'left', durationSeconds: expect.any(Number) } },
  ]);
  expect(await slot(session.id, bob.userId)).toMatchObject([{ is_active: false, left_cause: 'left' }]);
  expect((await slot(session.id, bob.userId))[0].left_at).toBeInstanceOf(Date);
});

test('the name of a session is accepted in place of its UUID, and answers have the UUID', async () => {
  const { owner, session } = await stack.host('nora');
  const { sessionId: name, id } = session;
  expect(name).toMatch(/^SESSION-\d{8}-[0-9A-Z]+$/);
  const other = await stack.arrive('nick');
  const joined = await other.expect('session_joined', { type: 'session_join', sessionId: name });
  expect(joined.session).toMatchObject({ id, sessionId: name });
  const answered = async (type: string, fields: object = {}) => {
    const answer = await owner.ask({ type, sessionId: name, ...fields });
    return 'sessionId' in answer ? answer.sessionId : answer.type;
  };
  expect(await answered('presence_sync')).toBe(id);
  expect(await answered('heartbeat')).toBe('ack');
  expect(await answered('cursor_update', { cursor: { eventId: 'e', position: 1 } })).toBe('ack');
  expect(await answered('presence_update', { status: 'away' })).toBe('ack');
  expect((await other.next('cursors')).sessionId).toBe(id);
  expect(await answered('participants_list')).toBe(id);
  expect(await answered('invite_create', { role: 'viewer' })).toBe(id);
  expect(await answered('activity_log', { activityType: 'noted' })).toBe('activity_logged');
  expect(await answered('activity_query')).toBe(id);
  expect(await answered('presence_history', { at: Date.now() })).toBe(id);
  expect(await answered('participant_role', { userId: other.userId, role: 'operator' })).toBe('ack');
  expect(await answered('participant_remove', { userId: other.userId })).toBe('ack');
  expect((await other.next('session_removed')).sessionId).toBe(id);
  expect(await answered('session_end')).toBe(id);
});

test('a session that was inserted by SQL works, whatever the version of its UUID is', async () => {
  const owner = await stack.arrive('norma');
  const sessionId = '11111111-1111-1111-1111-111111111111';
  await owner.expect('session_created', { type: 'session_create', operationId: 'known' });
  await stack.database.query(
    `INSERT INTO collaboration_sessions (id, session_id, operation_id, owner_id) VALUES ($1, $2, 'by hand', $3)`,
    [sessionId, 'SESSION-20260101-BYHAND', owner.userId],
  );
  await owner.expect('session_joined', { type: 'session_join', sessionId });
  await owner.expect('ack', { type: 'heartbeat', sessionId });
  await owner.expect('activity_logged', { type: 'activity_log', sessionId, activityType: 'noted' });
  const create = { type: 'invite_create', sessionId, role: 'commenter' };
  const { invite } = await owner.expect('invite_created', create);
  const invited = await stack.arrive('nils');
  await invited.expect('session_joined', { type: 'session_join', sessionId, invite });
  await invited.expect('presence_state', { type: 'presence_sync', sessionId });
  await stack.database.query(`SELECT cleanup_inactive_sessions('1 hour', 1, now() + interval '2 hours', $1)`, [
    [sessionId],
  ]);
  await stack.fireSchedule('CleanupSweep');
  expect(await invited.next('session_expired')).toMatchObject({ sessionId });
  expect(await stack.audit(sessionId, 'session_expired')).toHaveLength(1);
});

test('[PR7][PR9] three seconds after a clean close there is one leave with the cause disconnected', async () => {
  const { owner, session } = await stack.host('olga');
  const guest = await stack.arrive('paul');
  await guest.expect('session_joined', { type: 'session_join', sessionId: session.id });
  await joinOf(owner, guest.userId);
  const closedAt = Date.now();
  await guest.close();
  expect(await leaveOf(owner, guest.userId)).toBe('disconnected');
  expect(Date.now() - closedAt).toBeGreaterThanOrEqual(2900);
  await expectWithin(Date.now() - closedAt, 8000);
  expect(await stack.audit(session.id, 'user_left')).toMatchObject([{ details: { cause: 'disconnected' } }]);
  expect(await slot(session.id, guest.userId)).toMatchObject([{ is_active: false, left_cause: 'disconnected' }]);
  expect(leavesOf(owner, guest.userId)).toBe(1);
});

test('[PR7] others are told nothing if a user returns within the grace', async () => {
  const { owner, session } = await stack.host('quin');
  const first = await stack.arrive('rosa');
  await first.expect('session_joined', { type: 'session_join', sessionId: session.id });
  await joinOf(owner, first.userId);
  first.cut();
  const second = await stack.arrive('rosa');
  const { users } = await second.expect('session_joined', { type: 'session_join', sessionId: session.id });
  expect(users.map((user) => user.userId)).toContain(first.userId);
  const marker = await stack.arrive('saul');
  await marker.expect('session_joined', { type: 'session_join', sessionId: session.id });
  await joinOf(owner, marker.userId);
  expect([joinsOf(owner, first.userId), leavesOf(owner, first.userId)]).toEqual([1, 0]);
  expect(await stack.audit(session.id, 'user_left')).toEqual([]);
});

test('[PR2][PR8] a second tab changes only the number of connections, and closing one tab causes no leave', async () => {
  const { owner, session } = await stack.host('tina');
  const stop = await stayPresent(owner, session.id);
  const one = await stack.arrive('umar');
  await one.expect('session_joined', { type: 'session_join', sessionId: session.id });
  const two = await stack.arrive('umar');
  const { users } = await two.expect('session_joined', { type: 'session_join', sessionId: session.id });
  expect(users.find((user) => user.userId === two.userId)).toMatchObject({ connections: 2 });
  expect(await changeOf(owner, one.userId, ({ connections }) => connections === 2)).toBeDefined();
  await one.close();
  expect(await changeOf(owner, one.userId, ({ connections }) => connections === 1)).toBeDefined();
  await two.expect('ack', { type: 'cursor_update', sessionId: session.id, cursor: { eventId: 'e', position: 3 } });
  expect((await owner.next('cursors')).cursors[0]!.userId).toBe(two.userId);
  expect([joinsOf(owner, one.userId), leavesOf(owner, one.userId)]).toEqual([1, 0]);
  expect(await stack.audit(session.id, 'user_joined')).toHaveLength(2);
  await two.expect('session_left', { type: 'session_leave', sessionId: session.id });
  expect(await leaveOf(owner, one.userId)).toBe('left');
  stop();
});
