import { randomUUID } from 'node:crypto';
import { setTimeout as pause } from 'node:timers/promises';
import { tokenOf } from '../support/client.ts';
import { joinOf, leaveOf, stayPresent } from '../support/presence-frames.ts';
import { agentOf, agentRoute, call, callOnce, createKey } from '../support/server-api.ts';
import { type Arrived, startTestStack, type TestStack } from '../support/stack.ts';

let stack: TestStack;
let key: { secret: string; id: string };

beforeAll(async () => {
  stack = await startTestStack();
  key = await createKey(stack, ['agents', 'broadcast', 'remove', 'sessions:read']);
});
afterAll(() => stack.close());

async function room(): Promise<{ ada: Arrived; sessionId: string }> {
  const { owner: ada, session } = await stack.host('ada', { isPublic: true });
  await stayPresent(ada, session.id);
  return { ada, sessionId: session.id };
}

const set = (sessionId: string, agentId: string, body: object = {}) =>
  call(stack, agentRoute('PUT', sessionId, agentId), { as: key.secret, body });
const end = (sessionId: string, agentId: string) =>
  call(stack, agentRoute('DELETE', sessionId, agentId), { as: key.secret });

async function joined(ada: Arrived, sessionId: string, agentId: string, body: object = {}): Promise<string> {
  const { userId } = agentOf(await set(sessionId, agentId, body));
  await joinOf(ada, userId);
  return userId;
}

async function shown(person: Arrived, sessionId: string, userId: string) {
  const { users } = await person.expect('presence_state', { type: 'presence_sync', sessionId });
  return users.find((user) => user.userId === userId);
}

/** The entries of an agent after its join, as soon as there are so many. A sweep may write them. */
async function entriesAfterJoin(sessionId: string, userId: string, count = 1) {
  for (;;) {
    const [joined, ...more] = (await stack.audit(sessionId)).filter((row) => row.user_id === userId);
    expect(joined?.activity_type).toBe('user_joined');
    if (more.length >= count) return more.map((row) => ({ type: row.activity_type, ...row.details }));
    await pause(100);
  }
}
const endedByKey = () => [{ type: 'user_left', cause: 'agent_ended', kind: 'agent', keyId: key.id }];

test('[SA7] the id of a person in capital letters names the same person in each request', async () => {
  const { ada, sessionId } = await room();
  const userId = await joined(ada, sessionId, 'upper');
  await set(sessionId, 'upper', { onBehalfOf: ada.userId.toUpperCase() });
  expect(await shown(ada, sessionId, userId)).toMatchObject({ onBehalfOf: ada.userId });
});

test('[SA5] [SA7] an agent that Redis forgot is ended by its program, with the key in the audit trail', async () => {
  const { ada, sessionId } = await room();
  const userId = await joined(ada, sessionId, 'forgotten', { leaseSeconds: 600 });
  await stack.redis.flushdb();
  expect((await end(sessionId, 'forgotten')).body).toEqual({ ended: true });
  expect(await shown(ada, sessionId, userId)).toBeUndefined();
  expect(await entriesAfterJoin(sessionId, userId)).toMatchObject(endedByKey());
});

test('[SA7] while Redis is away the end of an agent is refused, and a repeat ends it', async () => {
  const { ada, sessionId } = await room();
  const userId = await joined(ada, sessionId, 'ending', { leaseSeconds: 600 });
  stack.stores.redis.shut();
  const refused = await callOnce(stack, agentRoute('DELETE', sessionId, 'ending'), { as: key.secret });
  await stack.stores.redis.open();
  expect(refused).toMatchObject({ status: 503, body: { code: 'UNAVAILABLE', retryable: true } });
  // The command of the refused request may still have reached Redis, then the repeat finds no agent.
  expect((await end(sessionId, 'ending')).status).toBe(200);
  expect(await shown(ada, sessionId, userId)).toBeUndefined();
  expect(await entriesAfterJoin(sessionId, userId)).toMatchObject(endedByKey());
});

test('[SA5] an agent that is ended while PostgreSQL is away has the key in its entry', async () => {
  const { ada, sessionId } = await room();
  const userId = await joined(ada, sessionId, 'quiet', { leaseSeconds: 600 });
  stack.stores.database.shut();
  const ended = await callOnce(stack, agentRoute('DELETE', sessionId, 'quiet'), { as: key.secret });
  await stack.stores.database.open();
  expect(ended.body).toEqual({ ended: true });
  expect(await entriesAfterJoin(sessionId, userId)).toMatchObject(endedByKey());
});

test('[SA7] [FA1] a snapshot while Redis is away has no agent whose lease has ended', async () => {
  const { ada, sessionId } = await room();
  const userId = await joined(ada, sessionId, 'stale', { leaseSeconds: 10 });
  expect(await leaveOf(ada, userId)).toBe('lease_ended');
  const bob = await stack.arrive('bob');
  stack.stores.redis.shut();
  const { users } = await bob.expect('session_joined', { type: 'session_join', sessionId });
  await stack.stores.redis.open();
  expect(users.map((user) => user.userId).sort()).toEqual([ada.userId, bob.userId].sort());
});

test('[SA8] an agent that is not in the session does not speak there', async () => {
  const { ada, sessionId } = await room();
  const speak = (agent: string) =>
    call(stack, `POST /server/sessions/${sessionId}/events`, { as: key.secret, body: { event: 'token', agent } });
  expect(await speak('ghost')).toMatchObject({ status: 403, body: { code: 'NOT_IN_SESSION' } });
  const userId = await joined(ada, sessionId, 'speaker');
  expect((await speak('speaker')).body).toEqual({ receivers: 1, repeated: false });
  await ada.expect('ack', { type: 'participant_remove', sessionId, userId });
  expect(await speak('speaker')).toMatchObject({ status: 403, body: { code: 'NOT_IN_SESSION' } });
});

test('[SA4] the idempotency key of another event is refused', async () => {
  const { sessionId } = await room();
  const headers = { 'idempotency-key': randomUUID() };
  const send = (body: object) =>
    call(stack, `POST /server/sessions/${sessionId}/events`, { as: key.secret, body, headers });
  expect((await send({ event: 'a', payload: { x: 1 } })).body).toEqual({ receivers: 1, repeated: false });
  expect((await send({ event: 'a', payload: { x: 1 } })).body).toEqual({ receivers: 0, repeated: true });
  expect(await send({ event: 'a', payload: { x: 2 } })).toMatchObject({ status: 400 });
});

test('[SA7] of renewals at the same time, Redis and the connection table keep the same one', async () => {
  const { ada, sessionId } = await room();
  const userId = await joined(ada, sessionId, 'racing');
  for (let round = 0; round < 15; ) {
    const logged = stack.lines.length;
    await Promise.all(
      [1, 2, 3].map((number) => set(sessionId, 'racing', { leaseSeconds: 100 * number, name: `N${number}` })),
    );
    // On a busy machine the connection table may be too slow for a renewal. Then only Redis has it (rule FA4).
    if (stack.lines.slice(logged).some((line) => line.includes('A lease could not be stored'))) continue;
    const before = await shown(ada, sessionId, userId);
    await stack.redis.flushdb();
    expect((await shown(ada, sessionId, userId))?.username).toBe(before?.username);
    round += 1;
  }
});

test('[SA10] the history and the list of participants say for whom an agent acted at each time', async () => {
  const { ada, sessionId } = await room();
  const bob = await stack.arrive('bob');
  await bob.expect('session_joined', { type: 'session_join', sessionId });
  const userId = await joined(ada, sessionId, 'servant', { onBehalfOf: ada.userId });
  const first = Date.now();
  await set(sessionId, 'servant', { onBehalfOf: bob.userId });
  const actsFor = async (at: number) => {
    const { stays } = await ada.expect('presence_history', { type: 'presence_history', sessionId, at });
    return stays.find((stay) => stay.userId === userId)?.onBehalfOf;
  };
  expect(await actsFor(first)).toBe(ada.userId);
  expect(await actsFor(Date.now())).toBe(bob.userId);
  const listed = async () => {
    const { participants } = await ada.expect('participants', { type: 'participants_list', sessionId });
    return participants.filter(({ anonymousId }) => anonymousId === userId).map(({ onBehalfOf }) => onBehalfOf);
  };
  expect(await listed()).toEqual([bob.userId]);
  const { token } = await tokenOf(stack, 'ada');
  const attended = async () => {
    const { body } = await call(stack, `GET /sessions/${sessionId}/attendance`, { as: token });
    return (body['items'] as { userId: string; kind?: string }[]).find((one) => one.userId === userId);
  };
  expect(await attended()).toMatchObject({ kind: 'agent', onBehalfOf: bob.userId });
  // The same user again changes nothing, and a change while PostgreSQL is away is recorded later.
  await set(sessionId, 'servant', { onBehalfOf: bob.userId, activity: 'on' });
  stack.stores.database.shut();
  const freed = await callOnce(stack, agentRoute('PUT', sessionId, 'servant'), {
    as: key.secret,
    body: { onBehalfOf: null },
  });
  await stack.stores.database.open();
  expect(freed.status).toBe(200);
  await set(sessionId, 'servant');
  await stack.fireSchedule('CleanupSweep');
  expect(await entriesAfterJoin(sessionId, userId, 2)).toEqual([
    { type: 'agent_reassigned', kind: 'agent', onBehalfOf: bob.userId, keyId: key.id },
    { type: 'agent_reassigned', kind: 'agent', keyId: key.id },
  ]);
  expect(await actsFor(Date.now())).toBeUndefined();
  expect(await attended()).toMatchObject({ kind: 'agent' });
  expect(await attended()).not.toHaveProperty('onBehalfOf');
  expect(await listed()).toEqual([undefined]);
  // The next stay does not take over the change of this one.
  await set(sessionId, 'servant', { onBehalfOf: bob.userId });
  await callOnce(stack, agentRoute('DELETE', sessionId, 'servant'), { as: key.secret });
  await joined(ada, sessionId, 'servant', { onBehalfOf: ada.userId });
  expect(await listed()).toEqual([ada.userId]);
});
