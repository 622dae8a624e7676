import { randomUUID } from 'node:crypto';
import { setTimeout } from 'node:timers/promises';
import type { AccessClaim } from '../../protocol/access-claim.ts';
import type { Role } from '../../protocol/entities.ts';
import { messages, messageTypes } from '../../protocol/messages.ts';
import { TestClient, tokenOf } from '../support/client.ts';
import { readHttp } from '../support/http-api.ts';
import { messageFields } from '../support/message-fields.ts';
import { changeOf, joinOf, leavesOf } from '../support/presence-frames.ts';
import { signToken } from '../support/sign-token.ts';
import { type Arrived, startTestStack, type TestStack } from '../support/stack.ts';

let stack: TestStack;
beforeAll(async () => {
  stack = await startTestStack();
});
afterAll(() => stack.close());

const open = (person: Arrived, key: string, fields: object = {}) =>
  person.expect('session_opened', { type: 'session_open', key, ...fields });

/** Begins a session of a key as somebody whose token has no claim. */
async function begun(key: string, metadata: object = {}) {
  const owner = await stack.arrive(`olga-${randomUUID()}`);
  const { session } = await open(owner, key, { metadata });
  return { owner, session };
}

async function get(path: string, token: string) {
  const response = await readHttp(stack, path, token);
  return { status: response.status, body: JSON.parse(await response.text()) };
}

const denied = (code: string) => ({ type: 'error', code, retryable: false });
const notFound = denied('SESSION_NOT_FOUND');
const forbidden = denied('PERMISSION_DENIED');

test('[SE12] a user with an access claim opens and joins the covered keys in its role, and the most specific entry decides', async () => {
  const team = randomUUID();
  const claim: AccessClaim = { [`${team}/*`]: 'viewer', [`${team}/plan`]: 'operator' };
  const ann = await stack.arrive('ann', claim);
  expect(await open(ann, `${team}/plan`)).toMatchObject({ role: 'operator', created: true });
  const { session } = await begun(`${team}/notes`, { isPublic: false });
  expect(await open(ann, `${team}/notes`)).toMatchObject({
    role: 'viewer',
    created: false,
    session: { id: session.id },
  });
  for (const sessionId of [session.id, session.sessionId]) {
    expect(await ann.expect('session_joined', { type: 'session_join', sessionId })).toMatchObject({ role: 'viewer' });
  }
});

test('[SE12] a key that the claim does not cover is refused, even if its session is public or the user has an invite', async () => {
  const key = randomUUID();
  const { owner, session } = await begun(key);
  const create = { type: 'invite_create', sessionId: session.id, role: 'operator' };
  const { invite } = await owner.expect('invite_created', create);
  const ann = await stack.arrive('ann', { other: 'operator' });
  expect(await ann.ask({ type: 'session_open', key, invite })).toMatchObject(forbidden);
  expect(await ann.ask({ type: 'session_join', sessionId: session.id, invite })).toMatchObject(notFound);
  expect(await ann.ask({ type: 'session_join', sessionId: session.sessionId })).toMatchObject(notFound);
  const ben = await stack.arrive('ben', { [key]: 'commenter' });
  expect(await open(ben, key, { invite })).toMatchObject({ role: 'commenter' });
});

test('[SE12] only a user with the role operator in the claim may create a session', async () => {
  const key = randomUUID();
  for (const role of ['viewer', 'commenter'] as const) {
    const ann = await stack.arrive('ann', { [key]: role });
    expect(await ann.ask({ type: 'session_open', key })).toMatchObject(forbidden);
    expect(await ann.ask({ type: 'session_create', operationId: key })).toMatchObject(forbidden);
  }
  const { rowCount } = await stack.database.query('SELECT FROM collaboration_sessions WHERE operation_id = $1', [key]);
  expect(rowCount).toBe(0);
  const ben = await stack.arrive('ben', { [key]: 'operator' });
  expect(await ben.ask({ type: 'session_create', operationId: 'other' })).toMatchObject(forbidden);
  await ben.expect('session_created', { type: 'session_create', operationId: key });
  expect(await open(ben, key)).toMatchObject({ created: true, role: 'operator', session: { ownerId: ben.userId } });
});

test.each<[Role, boolean]>([
  ['viewer', false],
  ['commenter', true],
  ['operator', true],
])(
  '[SE12] [SE1] who is %s by the claim may do what the role allows, and an owner only as operator',
  async (role, comments) => {
    const key = randomUUID();
    const { owner, session } = await begun(key);
    const sessionId = session.id;
    const token = (await tokenOf(stack, 'any', { sessions: { [key]: role } })).token;
    const ann = await stack.arrive(`ann-${role}`, { [key]: role });
    await open(ann, key);
    const log = { type: 'activity_log', sessionId, activityType: 'noted' };
    expect((await ann.ask(log)).type).toBe(comments ? 'activity_logged' : 'error');
    expect((await ann.ask({ type: 'broadcast', sessionId, event: 'wave' })).type).toBe(comments ? 'ack' : 'error');
    for (const type of ['invite_create', 'session_end', 'participant_remove'] as const)
      expect(await ann.ask({ type, sessionId, ...messageFields[type] })).toMatchObject(forbidden);
    expect((await get(`/sessions/${sessionId}/activity`, token)).status).toBe(200);

    const promote = { type: 'participant_role', sessionId, userId: ann.userId, role: 'commenter' };
    expect(await owner.ask(promote)).toMatchObject(forbidden);
  },
);

test('[SE12] an owner without the role operator in the claim has the role of the claim', async () => {
  const key = randomUUID();
  const name = `owner-${key}`;
  const owner = await stack.arrive(name, { [key]: 'operator' });
  const { session } = await open(owner, key);
  const lower = await stack.arrive(name, { [key]: 'viewer' });
  expect(await open(lower, key)).toMatchObject({ role: 'viewer' });
  expect(await lower.ask({ type: 'session_end', sessionId: session.id })).toMatchObject(forbidden);
  await owner.expect('session_ended', { type: 'session_end', sessionId: session.id });
});

test('[SE12] a refreshed token takes effect with the next message, and others see the new role and no leave', async () => {
  const key = randomUUID();
  const { owner, session } = await begun(key);
  const sessionId = session.id;
  const before = await stack.arrive('ann', { [key]: 'viewer' });
  await open(before, key);
  await joinOf(owner, before.userId);
  const log = { type: 'activity_log', sessionId, activityType: 'noted' };
  expect(await before.ask(log)).toMatchObject(forbidden);
  const after = await stack.arrive('ann', { [key]: 'commenter' });
  await open(after, key);
  expect(await changeOf(owner, after.userId, ({ role }) => role === 'commenter')).toBeDefined();
  await after.expect('activity_logged', log);
  expect(await before.ask(log)).toMatchObject(forbidden);
  await before.close();
  const withdrawn = await stack.arrive('ann', { other: 'viewer' });
  expect(await withdrawn.ask({ type: 'session_open', key })).toMatchObject(forbidden);
  expect(await withdrawn.ask({ type: 'session_join', sessionId })).toMatchObject(notFound);
  expect(await withdrawn.ask({ type: 'heartbeat', sessionId })).toMatchObject(denied('NOT_IN_SESSION'));
  await after.expect('ack', { type: 'heartbeat', sessionId });
  expect(leavesOf(owner, after.userId)).toBe(0);
});

test('[SE12] the token of each connection decides about its broadcasts', async () => {
  const key = randomUUID();
  const { owner, session } = await begun(key);
  const wave = { type: 'broadcast', sessionId: session.id, event: 'wave' };
  const viewer = await stack.arrive('ann', { [key]: 'viewer' });
  const commenter = await stack.arrive('ann', { [key]: 'commenter' });
  for (const tab of [viewer, commenter]) await open(tab, key);
  expect(await viewer.ask(wave)).toMatchObject(forbidden);
  await commenter.expect('ack', wave);
  expect(await owner.next('broadcast')).toMatchObject({ userId: commenter.userId });
  // The role that others see is that of the latest join.
  await open(viewer, key);
  await commenter.expect('ack', wave);
  expect(await viewer.ask(wave)).toMatchObject(forbidden);
  expect(owner.framesOf('broadcast')).toHaveLength(2);
});

test('[SE12] the rights of a claim end when its token expires', async () => {
  const key = randomUUID();
  const { owner, session } = await begun(key, { isPublic: false });
  const token = await signToken(stack, { sub: 'ann', rollcall: { sessions: { [key]: 'viewer' } } }, 1);
  const ann = new TestClient(stack.websocket, token);
  await ann.opened();
  await ann.expect('session_opened', { type: 'session_open', key });
  let answer: Awaited<ReturnType<TestClient['ask']>>;
  do {
    await setTimeout(100);
    answer = await ann.ask({ type: 'heartbeat', sessionId: session.id });
  } while (answer.type === 'ack');
  expect(answer).toMatchObject(denied('UNAUTHENTICATED'));
  for (const type of ['presence_sync', 'ping', 'session_leave'])
    expect(await ann.ask({ type, sessionId: session.id })).toMatchObject(denied('UNAUTHENTICATED'));
  const plain = await stack.arrive('ann');
  expect(await plain.ask({ type: 'session_join', sessionId: session.id })).toMatchObject(notFound);
  await owner.expect('ack', { type: 'heartbeat', sessionId: session.id });
});

test.each<[string, unknown]>([
  ['text', 'doc-42'],
  ['null', null],
  ['without sessions', {}],
  ['with an unknown role', { sessions: { 'doc-42': 'owner' } }],
])('[SE12] a token whose claim is %s is refused at both APIs, and the HTTP API says why', async (_, rollcall) => {
  const token = await signToken(stack, { sub: 'ann', rollcall }, 300);
  const client = new TestClient(stack.websocket, token);
  await expect(client.opened()).rejects.toThrow('403');
  const { status, body } = await get('/sessions', token);
  expect([status, body.code]).toEqual([401, 'UNAUTHENTICATED']);
  expect(body.message).toMatch(/^The claim "rollcall" of the token .*; get another token\.$/);
});

test('[SE12] the authorizer accepts the largest claim and refuses a larger one', async () => {
  const entries = (count: number) =>
    Object.fromEntries(
      Array.from({ length: count }, (_, index) => [`document-${1000 + index}`, 'operator']),
    ) as AccessClaim;
  const ann = await stack.arrive('ann', entries(140));
  expect(await open(ann, 'document-1139')).toMatchObject({ role: 'operator' });
  const token = await signToken(stack, { sub: 'ann', rollcall: { sessions: entries(160) } }, 300);
  await expect(new TestClient(stack.websocket, token).opened()).rejects.toThrow('403');
});

test('[SE12] the HTTP API shows only the sessions that the claim covers', async () => {
  const team = randomUUID();
  const covered = await begun(`${team}/a`, { isPublic: false, visibility: { activity: 'commenter' } });
  const other = await begun(randomUUID());
  const log = { type: 'activity_log', sessionId: covered.session.id, activityType: 'noted' };
  await covered.owner.expect('activity_logged', log);
  const tokens = {} as Record<Role, string>;
  for (const role of ['viewer', 'commenter'] as const) {
    tokens[role] = (await tokenOf(stack, 'reader', { sessions: { [`${team}/*`]: role } })).token;
  }
  const listed = await get('/sessions', tokens.viewer);
  expect(listed.body.items).toMatchObject([{ id: covered.session.id }]);
  const { id } = covered.session;
  const key = encodeURIComponent(`${team}/a`);
  const reads = ['', '/participants', '/activity', '/checkpoints', '/statistics', '/presence?at=1'];
  for (const path of reads) {
    expect([path, (await get(`/sessions/${id}${path}`, tokens.commenter)).status]).toEqual([path, 200]);
    expect([path, await get(`/sessions/${other.session.id}${path}`, tokens.commenter)]).toEqual([
      path,
      await get(`/sessions/${randomUUID()}${path}`, tokens.commenter),
    ]);
  }
  expect((await get(`/sessions/${id}/activity`, tokens.viewer)).status).toBe(403);
  expect((await get(`/keys/${key}/sessions`, tokens.viewer)).body.items).toMatchObject([{ id }]);
  expect((await get(`/keys/${key}/activity?type=noted`, tokens.commenter)).body.items).toHaveLength(1);
  expect((await get(`/keys/${key}/activity`, tokens.viewer)).body.items).toEqual([]);
  const otherKey = encodeURIComponent(other.session.key!);
  for (const what of ['sessions', 'activity'])
    expect((await get(`/keys/${otherKey}/${what}`, tokens.commenter)).body.items).toEqual([]);
});

describe('[SE13] the answer does not show whether a session exists that the sender may not see', () => {
  const naming = messageTypes.filter((type) => 'sessionId' in messages[type].schema.shape);
  const senders: Record<string, () => Promise<Arrived>> = {
    stranger: () => stack.arrive('stranger'),
    'holder of a claim': () => stack.arrive('claimed', { 'doc-1': 'operator' }),
    guest: () => stack.arriveAsGuest(invite, 'Gus'),
  };
  let invite: string;
  const hidden: Record<string, { id: string; sessionId: string }> = {};

  beforeAll(async () => {
    const host = await stack.host('hilda', { title: 'closed' });
    const ended = await stack.host('henry', { title: 'over' });
    await ended.owner.expect('session_ended', { type: 'session_end', sessionId: ended.session.id });
    const shown = await stack.host('hugo');
    const create = { type: 'invite_create', sessionId: shown.session.id, role: 'viewer' };
    ({ invite } = await shown.owner.expect('invite_created', create));
    Object.assign(hidden, { private: host.session, ended: ended.session, public: (await stack.host('hanna')).session });
  });

  const cases = ['stranger', 'holder of a claim', 'guest'].flatMap((sender) =>
    ['private', 'ended', 'public']
      .filter((kind) => sender !== 'stranger' || kind !== 'public')
      .map((kind) => [sender, kind] as const),
  );

  test.each(cases)('to a %s about a session that is %s', async (sender, kind) => {
    const person = await senders[sender]!();
    const { id, sessionId: name } = hidden[kind]!;
    const nothing = { id: randomUUID(), name: name.replace(/.{6}$/, 'AAAAAA') };
    const told = async (type: (typeof naming)[number], sessionId: string): Promise<object> => {
      const { requestId: _, ...answer } = await person.ask({ type, sessionId, ...messageFields[type] });
      if (!('code' in answer) || answer.code !== 'RATE_LIMITED') return { about: type, ...answer };
      // Whoever tries so much at once is asked to wait.
      await setTimeout(answer.retryAfterMillis);
      return told(type, sessionId);
    };
    for (const type of naming) {
      const expected = await told(type, nothing.id);
      expect(await told(type, id)).toEqual(expected);
      const expectedByName = await told(type, nothing.name);
      expect(await told(type, name)).toEqual(expectedByName);
      expect(expected).toMatchObject({ type: 'error' });
    }
  });
});
