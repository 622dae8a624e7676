import type { Role, Session } from '../../protocol/entities.ts';
import { joinOf, leaveOf } from '../support/presence-frames.ts';
import { type Arrived, startTestStack, type TestStack } from '../support/stack.ts';

let stack: TestStack;
let owner: Arrived;
let session: Session;
const people = {} as Record<Role | 'stranger', Arrived>;

beforeAll(async () => {
  stack = await startTestStack();
  ({ owner, session } = await stack.host('olive', { title: 'closed' }));
  for (const role of ['viewer', 'commenter', 'operator'] as const) {
    const { invite } = await owner.expect('invite_created', { type: 'invite_create', sessionId: session.id, role });
    people[role] = await stack.arrive(role);
    const joined = await people[role].expect('session_joined', {
      type: 'session_join',
      sessionId: session.id,
      invite,
      role: 'operator',
    });
    expect(joined.role).toBe(role);
  }
  people.stranger = await stack.arrive('stranger');
});
afterAll(() => stack.close());

const cursor = { eventId: 'e', position: 1 };
const somebody = '0190f1e2-6d0a-7c3b-8f4d-1a2b3c4d5e6f';
/** The least role for each message: any participant, a commenter or the owner. */
const needs: [type: string, fields: object, least: 'participant' | 'commenter' | 'owner'][] = [
  ['heartbeat', {}, 'participant'],
  ['cursor_update', { cursor }, 'participant'],
  ['presence_update', { activity: 'here' }, 'participant'],
  ['presence_sync', {}, 'participant'],
  ['participants_list', {}, 'participant'],
  ['activity_query', {}, 'participant'],
  ['presence_history', { at: 1 }, 'participant'],
  ['activity_log', { activityType: 'noted' }, 'commenter'],
  ['invite_create', { role: 'operator' }, 'owner'],
  ['invite_revoke', { inviteId: somebody }, 'owner'],
  ['participant_role', { userId: somebody, role: 'operator' }, 'owner'],
  ['participant_remove', { userId: somebody }, 'owner'],
  ['session_recover', {}, 'owner'],
  ['session_end', {}, 'owner'],
];

describe.each(needs)('[SE1] %s', (type, fields, least) => {
  const allowed: Record<typeof least, Role[]> = {
    participant: ['viewer', 'commenter', 'operator'],
    commenter: ['commenter', 'operator'],
    owner: [],
  };

  test.each(['viewer', 'commenter', 'operator'] as const)('by a %s', async (role) => {
    const answer = await people[role].ask({ type, sessionId: session.id, ...fields });
    const denied = answer.type === 'error' && answer.code === 'PERMISSION_DENIED';
    expect([type, role, denied]).toEqual([type, role, !allowed[least].includes(role)]);
    if (!denied) expect(answer.type).not.toBe('error');
  });

  test('by a user who is not in the session is refused and changes nothing', async () => {
    const before = await stack.audit(session.id);
    const answer = await people.stranger.ask({ type, sessionId: session.id, ...fields });
    expect(answer).toMatchObject({
      type: 'error',
      code: expect.stringMatching(/^(SESSION_NOT_FOUND|NOT_IN_SESSION)$/),
    });
    expect(await stack.audit(session.id)).toEqual(before);
  });
});

test('[SE2] a user who is no participant cannot join a session that is not public', async () => {
  const answer = await people.stranger.ask({ type: 'session_join', sessionId: session.id });
  expect(answer).toMatchObject({ type: 'error', code: 'SESSION_NOT_FOUND' });
  expect(await people.stranger.ask({ type: 'session_join', sessionId: somebody })).toMatchObject({
    code: 'SESSION_NOT_FOUND',
  });
});

test('[SE8] a demotion takes effect on open connections with the next message, and all are told of it', async () => {
  const worker = await stack.arrive('wanda');
  const { invite } = await owner.expect('invite_created', {
    type: 'invite_create',
    sessionId: session.id,
    role: 'commenter',
  });
  await worker.expect('session_joined', { type: 'session_join', sessionId: session.id, invite });
  const log = { type: 'activity_log', sessionId: session.id, activityType: 'noted' };
  await worker.expect('activity_logged', log);
  const demote = { type: 'participant_role', sessionId: session.id, userId: worker.userId, role: 'viewer' };
  await owner.expect('ack', demote);
  expect(await worker.ask(log)).toMatchObject({ type: 'error', code: 'PERMISSION_DENIED' });
  const told = await worker.next('participant_updated', ({ participant }) => participant.userId === worker.userId);
  expect(told.participant.role).toBe('viewer');
  const again = await stack.arrive('wanda');
  const joined = await again.expect('session_joined', { type: 'session_join', sessionId: session.id, invite });
  expect(joined.role).toBe('viewer');
  expect(await stack.audit(session.id, 'participant_role_changed')).toMatchObject([
    { user_id: owner.userId, details: { targetUserId: worker.userId, role: 'viewer' } },
  ]);
});

test('[SE8] a removed user is told, is refused in that session with the next message, and stays in other sessions', async () => {
  const { owner: host, session: own } = await stack.host('xena');
  const elsewhere = await stack.host('yuri');
  const guest = await stack.arrive('zora');
  for (const sessionId of [own.id, elsewhere.session.id]) {
    await guest.expect('session_joined', { type: 'session_join', sessionId });
  }
  await joinOf(host, guest.userId);
  const remove = { type: 'participant_remove', sessionId: own.id, userId: guest.userId, reason: 'too loud' };
  await host.expect('ack', remove);
  expect(await guest.next('session_removed')).toMatchObject({ sessionId: own.id, reason: 'too loud' });
  expect(await leaveOf(host, guest.userId)).toBe('removed');
  for (const type of ['heartbeat', 'presence_sync', 'session_leave'])
    expect(await guest.ask({ type, sessionId: own.id })).toMatchObject({ type: 'error', code: 'NOT_IN_SESSION' });
  const frames = guest.frames.length;
  await host.expect('ack', { type: 'presence_update', sessionId: own.id, activity: 'alone again' });
  await guest.expect('ack', { type: 'heartbeat', sessionId: elsewhere.session.id });
  expect(guest.frames.slice(frames)).toHaveLength(1);
  await host.expect('ack', remove);
  expect(await stack.audit(own.id, 'participant_removed')).toHaveLength(1);
  expect(await stack.audit(own.id, 'user_left')).toMatchObject([{ details: { cause: 'removed' } }]);
  expect(guest.framesOf('session_removed')).toHaveLength(1);
});

test('[SE9] a session that is ended several times is announced as ended once', async () => {
  const { owner: host, session: own } = await stack.host('bert');
  const guest = await stack.arrive('cora');
  await guest.expect('session_joined', { type: 'session_join', sessionId: own.id });
  const end = { type: 'session_end', sessionId: own.sessionId, status: 'failed' };
  const answers = await Promise.all([host.ask(end), host.ask(end), host.ask(end)]);
  for (const answer of answers) {
    expect(answer).toMatchObject({ type: 'session_ended', sessionId: own.id, reason: 'failed' });
  }
  expect(await guest.next('session_ended')).toMatchObject({ sessionId: own.id, reason: 'failed' });
  expect(await guest.ask({ type: 'heartbeat', sessionId: own.id })).toMatchObject({ code: 'NOT_IN_SESSION' });
  expect(await guest.ask({ type: 'session_join', sessionId: own.id })).toMatchObject({ code: 'SESSION_INACTIVE' });
  expect(guest.framesOf('session_ended')).toHaveLength(1);
  expect(await stack.audit(own.id, 'session_ended')).toHaveLength(1);
  expect((await stack.audit(own.id, 'user_left')).map(({ details }) => details['cause'])).toEqual([
    'session_ended',
    'session_ended',
  ]);
});

test('[SE3] if many users join at the same time, exactly one gets the last slot', async () => {
  const { session: small } = await stack.host('dora', { isPublic: true, maxParticipants: 2 });
  const racers = await Promise.all(['eli', 'flo', 'guy', 'hue'].map((name) => stack.arrive(name)));
  const answers = await Promise.all(racers.map((racer) => racer.ask({ type: 'session_join', sessionId: small.id })));
  const outcomes = answers.map((answer) => (answer.type === 'error' ? answer.code : answer.type)).sort();
  expect(outcomes).toEqual(['SESSION_FULL', 'SESSION_FULL', 'SESSION_FULL', 'session_joined']);
  const winner = racers[answers.findIndex(({ type }) => type === 'session_joined')]!;
  await winner.expect('session_joined', { type: 'session_join', sessionId: small.id });
});
