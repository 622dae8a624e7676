import { type Arrived, startTestStack, type TestStack } from '../support/stack.ts';
import { timeLimits } from '../support/time-limits.ts';

let stack: TestStack;

beforeAll(async () => {
  stack = await startTestStack();
});
afterAll(() => stack.close());

/** Makes a session inactive, as the liveness check does. */
const silence = (sessionId: string) =>
  stack.database.query('UPDATE collaboration_sessions SET active = false WHERE id = $1', [sessionId]);

async function isActive(sessionId: string): Promise<boolean> {
  const { rows } = await stack.database.query('SELECT active FROM collaboration_sessions WHERE id = $1', [sessionId]);
  return rows[0].active;
}

/** The frames about the liveness of a session that a client has received. */
async function toldTo(client: Arrived, sessionId: string) {
  await client.expect('pong', { type: 'ping' });
  return client.framesOf('session_activity').filter((frame) => frame.sessionId === sessionId);
}

test('[LC6] if a join makes a session active again, each connection of its owner is told once', async () => {
  const { owner, session } = await stack.host('ada');
  const elsewhere = await stack.arrive('ada');
  await silence(session.id);
  const guest = await stack.arrive('bob');
  const join = { type: 'session_join', sessionId: session.id };
  const joined = await guest.expect('session_joined', join);
  const { lastActiveAt: activeAt } = joined.session;
  for (const client of [owner, elsewhere]) {
    expect(await client.next('session_activity')).toEqual({
      ...{ type: 'session_activity', sessionId: session.id, active: true, activeAt },
    });
  }
  await guest.expect('session_joined', join);
  expect(await toldTo(owner, session.id)).toHaveLength(1);
  expect(await toldTo(guest, session.id)).toEqual([]);
  expect(await isActive(session.id)).toBe(true);
});

/**
 * Hosts an inactive session to which its owner returns with a frame. If PostgreSQL is too slow for the frame on a busy machine, the
 * sweep makes the session active later (rule FA3). Then another session is tried.
 */
async function returned(): Promise<Awaited<ReturnType<TestStack['host']>>> {
  const until = Date.now() + timeLimits.event;
  for (;;) {
    const hosted = await stack.host('cleo');
    const sessionId = hosted.session.id;
    await silence(sessionId);
    // As if the owner had timed out while their socket was open.
    await stack.redis.del(...(await stack.redis.keys(`presence:*{${sessionId}}*`)));
    await hosted.owner.expect('ack', { type: 'heartbeat', sessionId });
    if (await isActive(sessionId)) return hosted;
    if (Date.now() >= until) throw new Error('No frame of a returning owner made the session active.');
  }
}

test('[LC6] if the frame of a returning user makes a session active again, its owner is told once', async () => {
  const { owner, session } = await returned();
  expect(await owner.next('session_activity')).toMatchObject({ sessionId: session.id, active: true });
  expect(await toldTo(owner, session.id)).toHaveLength(1);
});

test('[LC6][SE6] if a recovery makes a session active again, its owner is told once', async () => {
  const { owner, session } = await stack.host('dora');
  const elsewhere = await stack.arrive('dora');
  const sessionId = session.id;
  await stack.database.query(
    `UPDATE collaboration_sessions SET status = 'expired', active = false, end_time = now() WHERE id = $1`,
    [sessionId],
  );
  await owner.expect('session_recovered', { type: 'session_recover', sessionId });
  expect(await elsewhere.next('session_activity')).toMatchObject({ sessionId, active: true });
  await owner.expect('session_recovered', { type: 'session_recover', sessionId });
  expect(await toldTo(elsewhere, sessionId)).toHaveLength(1);
});

test('[LC6] only the owner is told when a machine becomes inactive and active again', async () => {
  const [owner, other] = await Promise.all([stack.arrive('emma'), stack.arrive('finn')]);
  const machineId = 'press-1';
  await owner.expect('machine_registered', { type: 'machine_register', machineId, name: 'Press' });
  await stack.database.query(
    `UPDATE machines SET last_active_at = now() - interval '10 minutes' WHERE machine_id = $1`,
    [machineId],
  );
  await stack.fireSchedule('CleanupSweep');
  const silent = await owner.next('machine_activity');
  expect(silent).toMatchObject({ machineId, active: false, activeAt: expect.any(Number) });
  await owner.expect('ack', { type: 'machine_heartbeat', machineId });
  const back = await owner.next('machine_activity');
  expect(back).toMatchObject({ machineId, active: true });
  expect(back.activeAt).toBeGreaterThan(silent.activeAt);
  await stack.fireSchedule('CleanupSweep');
  await Promise.all([owner, other].map((client) => client.expect('pong', { type: 'ping' })));
  expect([owner.framesOf('machine_activity').length, other.framesOf('machine_activity').length]).toEqual([2, 0]);
});
