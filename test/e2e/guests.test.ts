import { createHash } from 'node:crypto';
import type { Session } from '../../protocol/entities.ts';
import { messages, messageTypes } from '../../protocol/messages.ts';
import { TestClient } from '../support/client.ts';
import { messageFields } from '../support/message-fields.ts';
import { joinOf } from '../support/presence-frames.ts';
import { type Arrived, startTestStack, type TestStack } from '../support/stack.ts';

let stack: TestStack;
let owner: Arrived;
let session: Session;

beforeAll(async () => {
  stack = await startTestStack();
  ({ owner, session } = await stack.host('olive', { title: 'closed' }));
});
afterAll(() => stack.close());

function createInvite(terms: { role?: string; maxUses?: number; expiresInSeconds?: number } = {}) {
  return owner.expect('invite_created', { type: 'invite_create', sessionId: session.id, role: 'viewer', ...terms });
}

/** The HTTP status of a handshake; 101 if it succeeds. */
async function handshake(query: Record<string, string>): Promise<number> {
  const client = new TestClient(`${stack.websocket}?${new URLSearchParams(query)}`);
  const status = new Promise<number>((resolve) => {
    client.socket.once('open', () => resolve(101));
    client.socket.once('unexpected-response', (_, response) => resolve(response.statusCode ?? 0));
  });
  const answered = await status;
  client.cut();
  return answered;
}

const ofOwn = messageTypes.filter((type) => type !== 'hello' && type !== 'ping');

test('[SE7] a guest with an invite is a participant with an anonymous id', async () => {
  const { invite } = await createInvite({ role: 'commenter' });
  const guest = await stack.arriveAsGuest(invite, 'Gustav');
  const joined = await guest.expect('session_joined', { type: 'session_join', sessionId: session.id });
  expect(joined.role).toBe('commenter');
  expect(await joinOf(owner, guest.userId)).toMatchObject({ username: 'Gustav', role: 'commenter' });
  await guest.expect('activity_logged', { type: 'activity_log', sessionId: session.id, activityType: 'noted' });
  const { participants } = await owner.expect('participants', { type: 'participants_list', sessionId: session.id });
  expect(participants.find((one) => one.name === 'Gustav')).toMatchObject({
    userId: null,
    anonymousId: guest.userId,
    role: 'commenter',
  });
});

describe('[SE7] a guest', () => {
  let guest: Arrived;
  let foreign: Session;

  beforeAll(async () => {
    const { invite } = await createInvite();
    guest = await stack.arriveAsGuest(invite, 'Greta');
    await guest.expect('session_joined', { type: 'session_join', sessionId: session.id });
    // The session is public, so only being a guest of another session is a reason to refuse.
    foreign = (await stack.host('frank', { isPublic: true })).session;
  });

  test.each(ofOwn)('is refused by %s outside the session of the invite', async (type) => {
    const before = await stack.audit(foreign.id);
    const answer = await guest.ask({ type, sessionId: foreign.id, ...messageFields[type] });
    expect(answer).toMatchObject({
      type: 'error',
      code: expect.stringMatching(/^(PERMISSION_DENIED|NOT_IN_SESSION)$/),
    });
    expect(await stack.audit(foreign.id)).toEqual(before);
    const { rowCount } = await stack.database.query(
      'SELECT FROM session_participants WHERE session_id = $1 AND person_id = $2',
      [foreign.id, guest.userId],
    );
    expect(rowCount).toBe(0);
  });

  test('was tested with each message that names a session', () => {
    const naming = messageTypes.filter((type) => 'sessionId' in messages[type].schema.shape);
    expect(ofOwn).toEqual(expect.arrayContaining(naming));
  });
});

test('[SE7] an invite cannot exceed its use limit, and participants can return without using it', async () => {
  const { invite } = await createInvite({ maxUses: 1 });
  const first = await stack.arrive('una');
  const join = { type: 'session_join', sessionId: session.id, invite };
  await first.expect('session_joined', join);
  const second = await stack.arrive('vic');
  expect(await second.ask(join)).toMatchObject({ type: 'error', code: 'INVITE_INVALID' });
  await first.expect('session_joined', join);
});

test('[SE7] a revoked invite is refused, and the refusal is in the audit trail', async () => {
  const { invite, inviteId } = await createInvite();
  await owner.expect('ack', { type: 'invite_revoke', sessionId: session.id, inviteId });
  const late = await stack.arrive('walt');
  const answer = await late.ask({ type: 'session_join', sessionId: session.id, invite });
  expect(answer).toMatchObject({ type: 'error', code: 'INVITE_INVALID' });
  const refused = await stack.audit(session.id, 'invite_refused');
  expect(refused.filter(({ details }) => details['inviteId'] === inviteId)).toMatchObject([
    { user_id: late.userId, details: { reason: 'revoked' } },
  ]);
});

test('[SE7] uses of an invite are in the audit trail', async () => {
  const { invite, inviteId } = await createInvite({ role: 'operator' });
  const invited = await stack.arrive('xavi');
  await invited.expect('session_joined', { type: 'session_join', sessionId: session.id, invite });
  const used = await stack.audit(session.id, 'invite_used');
  expect(used.filter(({ details }) => details['inviteId'] === inviteId)).toMatchObject([
    { user_id: invited.userId, details: { role: 'operator' } },
  ]);
});

test('[SE7] the stored form of an invite is refused as an invite', async () => {
  const { invite, inviteId } = await createInvite();
  const { rows } = await stack.database.query('SELECT * FROM session_invites WHERE id = $1', [inviteId]);
  expect(JSON.stringify(rows)).not.toContain(invite);
  expect(rows[0].token_hash).toEqual(createHash('sha256').update(invite).digest());
});

test('[SE7] a forged invite, a changed one and one of another session are refused', async () => {
  const { invite } = await createInvite();
  const visitor = await stack.arrive('yves');
  const [head, body, signature] = invite.split('.') as [string, string, string];
  const raised = Buffer.from(
    JSON.stringify({ ...JSON.parse(Buffer.from(body, 'base64url').toString()), expiresAt: 9e15 }),
  ).toString('base64url');
  const forged = ['nonsense', `${head}.${raised}.${signature}`, `${head}.${body}.${'A'.repeat(signature.length)}`];
  for (const each of forged) {
    const answer = await visitor.ask({ type: 'session_join', sessionId: session.id, invite: each });
    expect(answer).toMatchObject({ type: 'error', code: 'INVITE_INVALID' });
    expect(await handshake({ invite: each, name: 'Mallory' })).toBe(403);
  }
  const closed = await stack.host('zeno', { title: 'also closed' });
  const elsewhere = await visitor.ask({ type: 'session_join', sessionId: closed.session.id, invite });
  expect(elsewhere).toMatchObject({ type: 'error', code: 'INVITE_INVALID' });
  expect(await handshake({ invite, name: 'Real' })).toBe(101);
});

test('[SE7] an expired invite is refused at the join and at the handshake', async () => {
  const { invite, inviteId, expiresAt } = await createInvite({ expiresInSeconds: 0.5 });
  await new Promise((resolve) => setTimeout(resolve, expiresAt - Date.now() + 20));
  const late = await stack.arrive('abel');
  expect(await late.ask({ type: 'session_join', sessionId: session.id, invite })).toMatchObject({
    code: 'INVITE_EXPIRED',
    message: 'This invitation link has expired. Sessions become inactive after 1 hour of no activity.',
  });
  expect(await handshake({ invite, name: 'Late' })).toBe(403);
  await stack.fireSchedule('CleanupSweep');
  const refusals = (await stack.audit(session.id, 'invite_refused')).filter(
    ({ details }) => (details as { inviteId?: string }).inviteId === inviteId,
  );
  expect(refusals).toMatchObject([
    { user_id: late.userId, details: { reason: 'expired' } },
    { user_id: null, details: { reason: 'expired' }, ip_address: '127.0.0.1' },
  ]);
});
