import { randomUUID } from 'node:crypto';
import { setTimeout as pause } from 'node:timers/promises';
import { tokenOf } from '../support/client.ts';
import { changeOf, joinOf, leaveOf, leavesOf, stayPresent } from '../support/presence-frames.ts';
import { agentOf, agentRoute, call, callOnce, createKey } from '../support/server-api.ts';
import { type Arrived, startTestStack, type TestStack } from '../support/stack.ts';
import { expectWithin } from '../support/time-limits.ts';

let stack: TestStack;
let key: { secret: string; id: string };

beforeAll(async () => {
  stack = await startTestStack();
  key = await createKey(stack, ['agents', 'broadcast', 'remove', 'sessions:read']);
});
afterAll(() => stack.close());

async function room(metadata: object = {}): Promise<{ ada: Arrived; sessionId: string }> {
  const { owner: ada, session } = await stack.host('ada', { isPublic: true, ...metadata });
  await stayPresent(ada, session.id);
  return { ada, sessionId: session.id };
}

const set = (sessionId: string, agentId: string, body: object = {}) =>
  call(stack, agentRoute('PUT', sessionId, agentId), { as: key.secret, body });
const end = (sessionId: string, agentId: string) =>
  call(stack, agentRoute('DELETE', sessionId, agentId), { as: key.secret });

async function movementsOf(sessionId: string, userId: string) {
  const rows = await stack.audit(sessionId);
  return rows.filter((row) => row.user_id === userId).map((row) => ({ type: row.activity_type, ...row.details }));
}

async function shown(person: Arrived, sessionId: string, userId: string) {
  const { users } = await person.expect('presence_state', { type: 'presence_sync', sessionId });
  return users.find((user) => user.userId === userId);
}

test('[SA7] [SA10] an agent is shown with the user for whom it acts, in diffs, snapshots, history and attendance', async () => {
  const { ada, sessionId } = await room();
  const before = Date.now();
  const agent = agentOf(
    await set(sessionId, 'summarizer', {
      ...{ name: 'Summarizer', onBehalfOf: ada.userId.toUpperCase(), leaseSeconds: 600 },
      ...{ activity: 'reading', data: { model: 'm1' }, cursor: { position: 3 } },
    }),
  );
  expect(agent).toMatchObject({ agentId: 'summarizer', joined: true });
  expect(agent.leaseUntil).toBeGreaterThanOrEqual(before + 600_000);
  const mark = { kind: 'agent', onBehalfOf: ada.userId };
  const fields = {
    username: 'Summarizer',
    status: 'online',
    activity: 'reading',
    data: { model: 'm1' },
    connections: 1,
  };
  const joined = await joinOf(ada, agent.userId);
  expect(joined).toMatchObject({ ...mark, ...fields });
  expect(joined.lastSeen).toBeLessThanOrEqual(Date.now());
  expect(JSON.stringify(joined)).not.toContain('lease');
  const cursors = await ada.next('cursors', (frame) => frame.cursors.some(({ userId }) => userId === agent.userId));
  expect(cursors.cursors).toMatchObject([{ cursor: { position: 3 } }]);
  expect(await shown(ada, sessionId, agent.userId)).toMatchObject({ ...mark, ...fields, cursor: { position: 3 } });
  const late = await stack.arrive('late');
  const { users } = await late.expect('session_joined', { type: 'session_join', sessionId });
  expect(users.find(({ userId }) => userId === agent.userId)).toMatchObject(mark);
  expect(users.filter(({ kind }) => kind)).toHaveLength(1);
  const { participants } = await ada.expect('participants', { type: 'participants_list', sessionId });
  expect(participants.find(({ anonymousId }) => anonymousId === agent.userId)).toMatchObject({
    ...mark,
    name: 'Summarizer',
  });
  expect(participants.filter(({ kind }) => kind)).toHaveLength(1);
  expect(await movementsOf(sessionId, agent.userId)).toEqual([
    { type: 'user_joined', role: 'viewer', kind: 'agent', onBehalfOf: ada.userId, keyId: key.id },
  ]);
  const { stays } = await ada.expect('presence_history', { type: 'presence_history', sessionId, at: Date.now() });
  expect(stays.map(({ kind, onBehalfOf }) => ({ kind, onBehalfOf })).filter(({ kind }) => kind)).toEqual([mark]);
  const { token } = await tokenOf(stack, 'ada');
  const attendance = await call(stack, `GET /sessions/${sessionId}/attendance`, { as: token });
  const attended = attendance.body['items'] as { userId: string; kind?: string }[];
  expect(attended.filter(({ kind }) => kind)).toMatchObject([{ userId: agent.userId, ...mark }]);
});

test('[SA7] a renewal changes only what it names, and a lease of one session says nothing about another', async () => {
  const { ada, sessionId } = await room();
  const other = await room();
  const first = agentOf(await set(sessionId, 'writer', { name: 'Writer', data: { a: 1, b: 2 }, cursor: { x: 1 } }));
  await joinOf(ada, first.userId);
  const second = agentOf(await set(sessionId, 'writer', { status: 'away', data: { b: null }, leaseSeconds: 3600 }));
  expect(second).toMatchObject({ userId: first.userId, joined: false });
  expect(second.leaseUntil).toBeGreaterThan(first.leaseUntil + 3_000_000);
  expect(await changeOf(ada, first.userId, ({ status }) => status === 'away')).toMatchObject({ data: { b: null } });
  expect(await shown(ada, sessionId, first.userId)).toMatchObject({
    username: 'Writer',
    data: { a: 1 },
    cursor: { x: 1 },
  });
  await set(sessionId, 'writer', { onBehalfOf: ada.userId, name: 'Editor', cursor: null, status: 'online' });
  expect(await changeOf(ada, first.userId, ({ onBehalfOf }) => onBehalfOf !== undefined)).toMatchObject({
    ...{ onBehalfOf: ada.userId, username: 'Editor', cursor: null, status: 'online' },
  });
  await set(sessionId, 'writer', { onBehalfOf: null });
  expect(await changeOf(ada, first.userId, ({ onBehalfOf }) => onBehalfOf === null)).toBeDefined();
  const now = await shown(ada, sessionId, first.userId);
  expect(now).not.toHaveProperty('onBehalfOf');
  expect(now).not.toHaveProperty('cursor');
  expect(await shown(other.ada, other.sessionId, first.userId)).toBeUndefined();
  expect(agentOf(await set(other.sessionId, 'writer'))).toMatchObject({ userId: first.userId, joined: true });
});

test('[SA7] an agent leaves once when its lease ends, at that time, although more than one sweep runs', async () => {
  const { ada, sessionId } = await room();
  const agent = agentOf(await set(sessionId, 'brief', { leaseSeconds: 10 }));
  await joinOf(ada, agent.userId);
  expect(await leaveOf(ada, agent.userId)).toBe('lease_ended');
  await expectWithin(Date.now() - agent.leaseUntil, 10_000);
  expect(Date.now()).toBeGreaterThanOrEqual(agent.leaseUntil);
  await Promise.all([stack.fireSchedule('TimeoutSweep'), stack.fireSchedule('TimeoutSweep')]);
  expect(leavesOf(ada, agent.userId)).toBe(1);
  const [joined, left, ...more] = (await stack.audit(sessionId)).filter(({ user_id }) => user_id === agent.userId);
  expect(joined?.activity_type).toBe('user_joined');
  expect(left).toMatchObject({
    activity_type: 'user_left',
    details: { cause: 'lease_ended', kind: 'agent', durationSeconds: 10 },
  });
  expect(more).toEqual([]);
  expect((await end(sessionId, 'brief')).body).toEqual({ ended: false });
  expect(agentOf(await set(sessionId, 'brief'))).toMatchObject({ joined: true });
});

test('[SA7] a program ends an agent at once, and a second end changes nothing', async () => {
  const { ada, sessionId } = await room();
  const agent = agentOf(await set(sessionId, 'short', { leaseSeconds: 3600 }));
  await joinOf(ada, agent.userId);
  const before = Date.now();
  expect((await end(sessionId, 'short')).body).toEqual({ ended: true });
  expect(await leaveOf(ada, agent.userId)).toBe('agent_ended');
  expect((await end(sessionId, 'short')).body).toEqual({ ended: false });
  const left = (await stack.audit(sessionId, 'user_left')).filter(({ user_id }) => user_id === agent.userId);
  expect(left).toMatchObject([{ details: { cause: 'agent_ended', kind: 'agent', keyId: key.id } }]);
  const { rows } = await stack.database.query<{ at: Date; left_cause: string }>(
    'SELECT created_at AS at, left_cause FROM activity_log a JOIN session_participants p ON p.person_id = a.user_id WHERE a.id = $1',
    [left[0]!.id],
  );
  // Not at the end of the lease.
  expect(rows[0]!.at.getTime()).toBeLessThan(before + 60_000);
  expect(rows[0]!.left_cause).toBe('agent_ended');
});

test('[SA7] two first requests at the same time make one agent, which joins once', async () => {
  const { ada, sessionId } = await room();
  const answers = await Promise.all(Array.from({ length: 4 }, () => set(sessionId, 'twin', { leaseSeconds: 60 })));
  const { userId } = agentOf(answers[0]!);
  expect(answers.map((answer) => agentOf(answer).userId)).toEqual(Array(4).fill(userId));
  await joinOf(ada, userId);
  expect(await shown(ada, sessionId, userId)).toMatchObject({ kind: 'agent', connections: 1 });
  const movements = (await movementsOf(sessionId, userId)).map(({ type }) => type);
  expect(movements).toEqual(['user_joined']);
  const { rows } = await stack.database.query(
    'SELECT count(*)::integer AS slots FROM session_participants WHERE session_id = $1 AND person_id = $2 AND left_at IS NULL',
    [sessionId, userId],
  );
  expect(rows).toEqual([{ slots: 1 }]);
});

test('[SA7] [FA2] an agent is present after Redis lost everything, with its lease, its data and the user for whom it acts', async () => {
  const { ada, sessionId } = await room();
  const agent = agentOf(await set(sessionId, 'keeper', { onBehalfOf: ada.userId, leaseSeconds: 30 }));
  await joinOf(ada, agent.userId);
  const renewed = agentOf(await set(sessionId, 'keeper', { leaseSeconds: 20, data: { step: 2 }, name: 'Keeper' }));
  await stack.redis.flushdb();
  const mark = { kind: 'agent', username: 'Keeper', onBehalfOf: ada.userId, data: { step: 2 } };
  expect(await shown(ada, sessionId, agent.userId)).toMatchObject(mark);
  expect(await leaveOf(ada, agent.userId)).toBe('lease_ended');
  await expectWithin(Date.now() - renewed.leaseUntil, 10_000);
  expect((await movementsOf(sessionId, agent.userId)).map(({ type }) => type)).toEqual(['user_joined', 'user_left']);
  // A renewal that finds Redis empty continues the stay.
  const again = agentOf(await set(sessionId, 'keeper', { leaseSeconds: 600 }));
  await stack.redis.flushdb();
  expect(agentOf(await set(sessionId, 'keeper', { leaseSeconds: 600 }))).toMatchObject({
    userId: again.userId,
    joined: false,
  });
  expect(await shown(ada, sessionId, agent.userId)).toMatchObject({ kind: 'agent', data: { step: 2 } });
});

test('[SA7] an agent receives nothing, and the end of the session ends it', async () => {
  const { ada, sessionId } = await room();
  const agent = agentOf(await set(sessionId, 'deaf', { leaseSeconds: 600 }));
  await joinOf(ada, agent.userId);
  await ada.expect('ack', { type: 'broadcast', sessionId, event: 'x' });
  await ada.expect('session_ended', { type: 'session_end', sessionId });
  expect(stack.posts.posts.filter(({ connectionId }) => !/^[\w-]+=$/.test(connectionId))).toEqual([]);
  expect((await movementsOf(sessionId, agent.userId)).slice(1)).toMatchObject([
    { type: 'user_left', cause: 'session_ended' },
  ]);
  expect(await set(sessionId, 'deaf')).toMatchObject({ status: 410, body: { code: 'SESSION_INACTIVE' } });
});

test('[SA8] an agent takes a slot, and a removed one does not come back', async () => {
  const { ada, sessionId } = await room({ maxParticipants: 2 });
  const agent = agentOf(await set(sessionId, 'first'));
  expect(await set(sessionId, 'second')).toMatchObject({ status: 409, body: { code: 'SESSION_FULL' } });
  const bob = await stack.arrive('bob');
  expect(await bob.ask({ type: 'session_join', sessionId })).toMatchObject({ code: 'SESSION_FULL' });
  await end(sessionId, 'first');
  await bob.expect('session_joined', { type: 'session_join', sessionId });
  await bob.expect('session_left', { type: 'session_leave', sessionId });
  expect(agentOf(await set(sessionId, 'first'))).toMatchObject({ joined: true });
  await ada.expect('ack', { type: 'participant_remove', sessionId, userId: agent.userId });
  expect(await set(sessionId, 'first')).toMatchObject({ status: 403, body: { code: 'PERMISSION_DENIED' } });
  expect(await shown(ada, sessionId, agent.userId)).toBeUndefined();
});

test('[SA8] a removal that meets renewals wins', async () => {
  const { ada, sessionId } = await room();
  const agent = agentOf(await set(sessionId, 'stubborn', { leaseSeconds: 10 }));
  await joinOf(ada, agent.userId);
  let removed = false;
  const renewals = Array.from({ length: 3 }, async () => {
    while (!removed)
      await callOnce(stack, agentRoute('PUT', sessionId, 'stubborn'), { as: key.secret, body: { leaseSeconds: 10 } });
  });
  const removal = call(stack, `DELETE /server/sessions/${sessionId}/people/${agent.userId}`, { as: key.secret });
  expect((await removal).body).toEqual({ removed: true });
  removed = true;
  await Promise.all(renewals);
  expect(await set(sessionId, 'stubborn')).toMatchObject({ status: 403 });
  // A renewal that took the seat after the removal holds it at most until its lease ends.
  while (await shown(ada, sessionId, agent.userId)) await pause(100);
  const { rows } = await stack.database.query(
    'SELECT left_cause FROM session_participants WHERE session_id = $1 AND person_id = $2',
    [sessionId, agent.userId],
  );
  expect(rows).toEqual([{ left_cause: 'removed' }]);
});

test('[SA9] no token and no frame makes a user an agent, and no agent has the id of a user', async () => {
  const { ada, sessionId } = await room();
  const mallory = await stack.arrive('mallory');
  const mark = { kind: 'agent', onBehalfOf: ada.userId, agent: { leaseUntil: Date.now() + 1e6 } };
  await mallory.expect('session_joined', { type: 'session_join', sessionId, ...mark, data: { kind: 'agent' } });
  await mallory.expect('ack', { type: 'presence_update', sessionId, ...mark, activity: 'x' });
  await mallory.expect('ack', { type: 'heartbeat', sessionId, ...mark });
  const seen = await shown(ada, sessionId, mallory.userId);
  expect(seen).toMatchObject({ data: { kind: 'agent' } });
  expect(seen).not.toHaveProperty('kind');
  expect(seen).not.toHaveProperty('onBehalfOf');
  const agent = agentOf(await set(sessionId, mallory.userId, { name: 'Mallory' }));
  expect(agent.userId).not.toBe(mallory.userId);
  await end(sessionId, mallory.userId);
  await stack.database.query('INSERT INTO users (id, username) VALUES ($1, $2)', [agent.userId, 'Somebody']);
  expect(await set(sessionId, mallory.userId)).toMatchObject({ status: 403, body: { code: 'PERMISSION_DENIED' } });
});

test('[SA3] [SA5] a key needs the scope and the session, and a refusal is in the audit trail', async () => {
  const { sessionId } = await room();
  const lacking = await createKey(stack, ['broadcast']);
  const elsewhere = await createKey(stack, ['agents'], { sessions: ['other'] });
  for (const method of ['PUT', 'DELETE']) {
    const ask = (as: string, id: string) =>
      call(stack, agentRoute(method, id, 'x'), { as, body: method === 'PUT' ? {} : undefined });
    expect(await ask(lacking.secret, sessionId)).toMatchObject({ status: 403 });
    expect((await ask(lacking.secret, randomUUID())).body).toEqual((await ask(lacking.secret, sessionId)).body);
    expect(await ask(elsewhere.secret, sessionId)).toMatchObject({ status: 404 });
    expect((await ask(elsewhere.secret, randomUUID())).body).toEqual((await ask(elsewhere.secret, sessionId)).body);
  }
  const refusals = await stack.audit(sessionId, 'program_refused');
  expect(refusals.map(({ details }) => details['keyId']).sort()).toEqual(
    [lacking.id, lacking.id, lacking.id, lacking.id, elsewhere.id, elsewhere.id, elsewhere.id, elsewhere.id].sort(),
  );
  expect(await movementsOf(sessionId, randomUUID())).toEqual([]);
  for (const body of [
    { leaseSeconds: 9 },
    { leaseSeconds: 3601 },
    { onBehalfOf: 'ada' },
    { status: 'offline' },
    { data: 'x' },
  ]) {
    expect([body, (await set(sessionId, 'x', body)).status]).toEqual([body, 400]);
  }
  expect((await set(sessionId, 'x', { data: { text: 'x'.repeat(3000) } })).status).toBe(413);
  expect((await set(sessionId, 'x'.repeat(101))).status).toBe(400);
});

test('[SA4] an event of an agent has its id, and needs the scope for agents', async () => {
  const { ada, sessionId } = await room();
  const agent = agentOf(await set(sessionId, 'speaker'));
  const route = `POST /server/sessions/${sessionId}/events`;
  const body = { event: 'token', payload: { text: 'Hello' }, agent: 'speaker' };
  expect((await call(stack, route, { as: key.secret, body })).body).toEqual({ receivers: 1, repeated: false });
  expect(await ada.next('broadcast')).toMatchObject({
    userId: agent.userId,
    kind: 'agent',
    payload: { text: 'Hello' },
  });
  const { secret } = await createKey(stack, ['broadcast']);
  expect((await call(stack, route, { as: secret, body })).status).toBe(403);
});

test('[SA7] [FA3] while PostgreSQL is away an agent keeps its lease, and none joins', async () => {
  const { ada, sessionId } = await room();
  const agent = agentOf(await set(sessionId, 'steady'));
  await joinOf(ada, agent.userId);
  stack.stores.database.shut();
  const renewed = await callOnce(stack, agentRoute('PUT', sessionId, 'steady'), {
    as: key.secret,
    body: { activity: 'on' },
  });
  const other = await callOnce(stack, agentRoute('PUT', sessionId, 'new'), { as: key.secret, body: {} });
  await stack.stores.database.open();
  expect(agentOf(renewed)).toMatchObject({ userId: agent.userId, joined: false });
  expect(await changeOf(ada, agent.userId, ({ activity }) => activity === 'on')).toBeDefined();
  expect(other).toMatchObject({ status: 503, body: { code: 'UNAVAILABLE', retryable: true } });
  expect(agentOf(await set(sessionId, 'new'))).toMatchObject({ joined: true });
});
