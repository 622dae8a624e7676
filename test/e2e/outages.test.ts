import type { ServerFrame } from '../../protocol/frames.ts';
import { TestClient, tokenOf } from '../support/client.ts';
import { joinOf, joinsOf, leavesOf } from '../support/presence-frames.ts';
import { type Arrived, startTestStack, type TestStack } from '../support/stack.ts';
import { expectWithin, timeLimits } from '../support/time-limits.ts';

let stack: TestStack;

beforeAll(async () => {
  stack = await startTestStack();
});
afterAll(() => stack.close());

const cursor = { eventId: 'e', position: 1 };

async function health(): Promise<{ status: number; body: { checks: Record<string, string> }; millis: number }> {
  const started = performance.now();
  const response = await fetch(`${stack.http}/health`);
  const body = (await response.json()) as { checks: Record<string, string> };
  return { status: response.status, body, millis: performance.now() - started };
}

/** Repeats a request until the answer has a type, because the service notices the return of a store with a delay. */
async function askUntil(client: TestClient, type: string, message: { type: string; [field: string]: unknown }) {
  const until = Date.now() + timeLimits.event;
  let answer: ServerFrame;
  do answer = await client.askOnce(message);
  while (answer.type !== type && Date.now() < until);
  expect(answer.type).toBe(type);
  return answer;
}

async function healthy(): Promise<void> {
  const until = Date.now() + timeLimits.event;
  while ((await health()).status !== 200) if (Date.now() > until) throw new Error('The stack did not recover.');
}

/** Waits until the creator of a session gets a seat in Redis at once, because each environment reconnects by itself. */
async function seatedAtOnce(user: string): Promise<void> {
  const until = Date.now() + timeLimits.event;
  for (;;) {
    const { owner, session } = await stack.host(user);
    if (await stack.redis.zscore(`presence:session:{${session.id}}`, owner.userId)) return;
    if (Date.now() > until) throw new Error('Redis is back, but the creator of a session got no seat.');
  }
}

async function rowsOf(sessionId: string, userId: string): Promise<boolean[]> {
  const { rows } = await stack.database.query<{ is_active: boolean }>(
    'SELECT is_active FROM session_participants WHERE session_id = $1 AND person_id = $2',
    [sessionId, userId],
  );
  return rows.map((row) => row.is_active);
}

async function pair(watcher: string, other: string): Promise<{ owner: Arrived; guest: Arrived; sessionId: string }> {
  const { owner, session } = await stack.host(watcher);
  const guest = await stack.arrive(other);
  await guest.expectOnce('session_joined', { type: 'session_join', sessionId: session.id });
  // After an outage in an earlier test, an environment may reconnect later than the others; a frame then seats the user.
  for (const person of [owner, guest]) await askUntil(person, 'ack', { type: 'heartbeat', sessionId: session.id });
  await joinOf(owner, guest.userId);
  return { owner, guest, sessionId: session.id };
}

// This is the first test, because sweeps log the errors of an outage some seconds after it.
test('[FA5] a connection that ends before $connect has finished leaves no data', async () => {
  const { token } = await tokenOf(stack, 'kate');
  const before = stack.lines.length;
  const impatient = new TestClient(stack.websocket, token);
  impatient.cut();
  const { owner, session } = await stack.host('liam');
  const { users } = await owner.expectOnce('presence_state', { type: 'presence_sync', sessionId: session.id });
  expect(users).toHaveLength(1);
  expect(stack.lines.slice(before).filter((line) => / ERROR /.test(line))).toEqual([]);
});

test.each(['redis', 'database'] as const)('/health names %s within about a second while it is away', async (store) => {
  await healthy();
  await stack.stores[store].shut();
  const { status, body, millis } = await health();
  await stack.stores[store].open();
  expect(status).toBe(503);
  expect(body.checks).toEqual({ redis: 'ok', database: 'ok', connections: 'ok', [store]: 'failing' });
  expect(JSON.stringify(body)).not.toMatch(/ECONN|127\.0\.0\.1|postgres:|redis:|stack/i);
  await expectWithin(millis, 2500);
  await healthy();
});

test('[FA1] while Redis is away, presence is UNAVAILABLE, the rest works, and afterwards no user has left', async () => {
  const { owner, guest, sessionId } = await pair('ada', 'bob');
  await stack.stores.redis.shut();
  const started = performance.now();
  for (const type of ['presence_sync', 'presence_update', 'cursor_update', 'heartbeat']) {
    const answer = await guest.askOnce({ type, sessionId, cursor });
    expect([type, answer]).toEqual([
      type,
      expect.objectContaining({ type: 'error', code: 'UNAVAILABLE', retryable: true }),
    ]);
  }
  await expectWithin(performance.now() - started, 4 * 2500);
  await owner.expectOnce('activity_logged', { type: 'activity_log', sessionId, activityType: 'noted' });
  await owner.expectOnce('invite_created', { type: 'invite_create', sessionId, role: 'viewer' });
  await owner.expectOnce('participants', { type: 'participants_list', sessionId });
  expect((await guest.next('activity')).activity.activityType).toBe('noted');
  await stack.stores.redis.open();
  await askUntil(guest, 'ack', { type: 'heartbeat', sessionId });
  await askUntil(owner, 'presence_state', { type: 'presence_sync', sessionId });
  expect([joinsOf(owner, guest.userId), leavesOf(owner, guest.userId)]).toEqual([1, 0]);
});

test('[FA1] a join while Redis is away succeeds, and the others see it afterwards', async () => {
  const { owner, session } = await stack.host('cleo', { isPublic: true, maxParticipants: 2 });
  const late = await stack.arrive('dan');
  await stack.stores.redis.shut();
  const { users } = await late.expectOnce('session_joined', { type: 'session_join', sessionId: session.id });
  expect(users.map((user) => user.userId).sort()).toEqual([owner.userId, late.userId].sort());
  await stack.stores.redis.open();
  await askUntil(late, 'ack', { type: 'heartbeat', sessionId: session.id });
  await joinOf(owner, late.userId);
  expect(await rowsOf(session.id, late.userId)).toEqual([true]);
  expect((await stack.audit(session.id, 'user_joined')).map((entry) => entry.user_id)).toEqual([
    owner.userId,
    late.userId,
  ]);
});

test('[FA1] a second tab can join while Redis is away', async () => {
  const { owner, session } = await stack.host('kim');
  const tab = await stack.arrive('kim');
  await stack.stores.redis.shut();
  const answer = await tab.askOnce({ type: 'session_join', sessionId: session.id });
  await stack.stores.redis.open();
  expect(answer).toMatchObject({ type: 'session_joined', users: [{ userId: owner.userId, connections: 2 }] });
  await askUntil(tab, 'ack', { type: 'heartbeat', sessionId: session.id });
  expect(await stack.audit(session.id, 'user_joined')).toHaveLength(1);
});

test('[FA2] an emptied Redis is rebuilt with the next frames, without a false leave', async () => {
  await seatedAtOnce('fay');
  const { owner, guest, sessionId } = await pair('finn', 'gina');
  await stack.redis.flushdb();
  await owner.expect('ack', { type: 'heartbeat', sessionId });
  await guest.expect('ack', { type: 'cursor_update', sessionId, cursor });
  const { users } = await owner.expect('presence_state', { type: 'presence_sync', sessionId });
  expect(users.map((user) => user.userId).sort()).toEqual([owner.userId, guest.userId].sort());
  expect(leavesOf(owner, guest.userId) + leavesOf(guest, owner.userId)).toBe(0);
  expect(await stack.audit(sessionId, 'user_left')).toEqual([]);
});

test('[FA3] while PostgreSQL is away, presence works and joins are answered with UNAVAILABLE', async () => {
  const { owner, guest, sessionId } = await pair('hal', 'ida');
  const stranger = await stack.arrive('jack');
  await stack.stores.database.shut();
  await guest.expectOnce('ack', { type: 'heartbeat', sessionId });
  await guest.expectOnce('ack', { type: 'cursor_update', sessionId, cursor });
  await owner.next('cursors', ({ cursors }) => cursors[0]!.userId === guest.userId);
  await guest.expectOnce('ack', { type: 'presence_update', sessionId, activity: 'still here' });
  for (const message of [
    { type: 'session_join', sessionId },
    { type: 'session_create', operationId: 'op' },
  ]) {
    expect(await stranger.askOnce(message)).toMatchObject({ type: 'error', code: 'UNAVAILABLE', retryable: true });
  }
  await stack.stores.database.open();
  await askUntil(stranger, 'session_joined', { type: 'session_join', sessionId });
  expect(leavesOf(owner, guest.userId)).toBe(0);
});
