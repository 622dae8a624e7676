import { randomUUID } from 'node:crypto';
import { joinOf, joinsOf, leaveOf, leavesOf, stayPresent } from '../support/presence-frames.ts';
import type { TestStack } from '../support/stack.ts';
import { expectWithin } from '../support/time-limits.ts';
import { askUntil, eventually, movements, offlineMillis, startFailingStack, timed } from './support.ts';

let stack: TestStack;
let stops: (() => void)[] = [];

beforeAll(async () => {
  stack = await startFailingStack();
});
afterEach(async () => {
  for (const stop of stops) stop();
  stops = [];
  stack.faults.set({});
  // A failed test may have left the gate closed.
  await stack.stores.database.shut();
  await stack.stores.database.open();
});
afterAll(() => stack.close());

async function room(...names: [string, ...string[]]) {
  // A pool whose connection was refused needs a moment.
  await askUntil(await stack.arrive('first'), 'session_created', { type: 'session_create', operationId: 'probe' });
  const { owner, session } = await stack.host(names[0]);
  stops.push(await stayPresent(owner, session.id));
  const others = [];
  for (const name of names.slice(1)) {
    const client = await stack.arrive(name);
    await client.expect('session_joined', { type: 'session_join', sessionId: session.id });
    await joinOf(owner, client.userId);
    others.push(client);
  }
  return { owner, others, sessionId: session.id };
}

test('[FA3][AC1] departures are announced while PostgreSQL is away, and recorded later, each exactly once', async () => {
  const { owner, others, sessionId } = await room('ada', 'bob', 'cleo', 'dan');
  const [bob, cleo, dan] = others;
  // Neither of the first two users may leave because of silence, however long this takes on a busy machine.
  for (const other of [bob!, cleo!]) stops.push(await stayPresent(other, sessionId));
  await dan!.expect('ack', { type: 'heartbeat', sessionId });
  await stack.stores.database.shut();
  const shut = Date.now();
  expect(await bob!.askOnce({ type: 'session_leave', sessionId })).toMatchObject({ type: 'session_left' });
  expect(await leaveOf(owner, bob!.userId)).toBe('left');
  await cleo!.close();
  expect(await leaveOf(owner, cleo!.userId)).toBe('disconnected');
  stack.faults.set({ loseDisconnect: 1 });
  dan!.cut();
  expect(await leaveOf(owner, dan!.userId)).toBe('timeout');
  await expectWithin(Date.now() - shut, 3 * 5000, offlineMillis);
  await stack.stores.database.open();

  const expected = [`user_left ${bob!.userId}`, `user_left ${cleo!.userId}`, `user_timeout ${dan!.userId}`];
  const ends = async () => (await movements(stack, sessionId)).slice(4).sort();
  await eventually(ends, (seen) => seen.length >= expected.length);
  await stack.fireSchedule('CleanupSweep');
  expect(await ends()).toEqual(expected.sort());
  const { rows } = await stack.database.query(
    'SELECT person_id FROM session_participants WHERE session_id = $1 AND left_at IS NULL',
    [sessionId],
  );
  expect(rows).toEqual([{ person_id: owner.userId }]);
  for (const other of others) expect(leavesOf(owner, other.userId)).toBe(1);
});

test('[FA3] a user who timed out and comes back while PostgreSQL is away is present again', async () => {
  const { owner, others, sessionId } = await room('emma', 'finn');
  const [finn] = others;
  expect(await leaveOf(owner, finn!.userId)).toBe('timeout');
  await stack.stores.database.shut();
  finn!.send({ type: 'heartbeat', sessionId });
  await joinOf(owner, finn!.userId);
  await stack.stores.database.open();
  expect(joinsOf(owner, finn!.userId)).toBe(2);
});

test('[AC3][FA3] activity is acknowledged while PostgreSQL is away, according to the user’s role, and recorded later', async () => {
  const { owner, others, sessionId } = await room('hugo', 'iris', 'jack', 'kate');
  const [commenter, viewer, operator] = others;
  for (const [person, role] of [
    [commenter!, 'commenter'],
    [operator!, 'operator'],
  ] as const) {
    await owner.expect('ack', { type: 'participant_role', sessionId, userId: person.userId, role });
  }
  for (const other of others) stops.push(await stayPresent(other, sessionId));
  const stranger = await stack.arrive('liam');
  await stack.stores.database.shut();
  const log = (index: number) => ({ type: 'activity_log', sessionId, activityType: 'noted', details: { index } });
  const ids: string[] = [];
  for (const [index, person] of [owner, commenter!, owner].entries()) {
    ids.push((await person.expectOnce('activity_logged', log(index))).activityId);
  }
  expect(await viewer!.askOnce(log(9))).toMatchObject({ type: 'error', code: 'PERMISSION_DENIED' });
  expect(await stranger.askOnce(log(9))).toMatchObject({ type: 'error', code: 'UNAVAILABLE' });
  // It is not known now who may see activity, but an operator may see any.
  for (const index of [0, 1, 2]) {
    await operator!.next('activity', ({ activity }) => activity.details['index'] === index);
  }
  await viewer!.expectOnce('pong', { type: 'ping' });
  expect(viewer!.framesOf('activity')).toEqual([]);
  await stack.stores.database.open();
  const noted = async () => {
    await stack.fireSchedule('CleanupSweep');
    return stack.audit(sessionId, 'noted');
  };
  const rows = await eventually(noted, (seen) => seen.length >= ids.length);
  expect(rows.map(({ id }) => id)).toEqual(ids);
  expect(rows.map(({ details }) => details['index'])).toEqual([0, 1, 2]);
  expect(await stack.audit(sessionId, 'activity_refused')).toMatchObject([{ user_id: viewer!.userId }]);
});

test('[FA3] a registered machine is not reported as unknown because PostgreSQL is away', async () => {
  const owner = await stack.arrive('mona');
  const machineId = 'laptop';
  await askUntil(owner, 'machine_registered', { type: 'machine_register', machineId, name: 'Laptop' });
  await stack.stores.database.shut();
  const beat = { type: 'machine_heartbeat', machineId };
  expect(await owner.askOnce(beat)).toMatchObject({ type: 'error', code: 'UNAVAILABLE', retryable: true });
  await stack.stores.database.open();
  await askUntil(owner, 'ack', beat);
  expect(await owner.askOnce({ ...beat, machineId: 'other' })).toMatchObject({ code: 'MACHINE_NOT_FOUND' });
});

test('[AC3] [AC7] activity that PostgreSQL cannot accept is acknowledged from the outbox and replayed once; a retry changes nothing', async () => {
  const { owner, sessionId } = await room('gina');
  const activityId = randomUUID();
  const holder = await stack.database.connect();
  await holder.query('BEGIN');
  await holder.query('LOCK TABLE activity_log IN ACCESS EXCLUSIVE MODE');
  const logged = { type: 'activity_log', sessionId, activityType: 'noted', activityId, details: { text: 'kept' } };
  const { frame, millis } = await timed(owner, logged);
  await holder.query('COMMIT');
  holder.release();
  expect(frame).toMatchObject({ type: 'activity_logged', activityId });
  await expectWithin(millis, 5000);
  const retry = await owner.askOnce({ ...logged, details: { text: 'replaced' } });
  expect(retry).toMatchObject({ type: 'activity_logged', activityId });
  await stack.fireSchedule('CleanupSweep');
  await stack.fireSchedule('CleanupSweep');
  expect(await stack.audit(sessionId, 'noted')).toMatchObject([{ id: activityId, details: { text: 'kept' } }]);
});
