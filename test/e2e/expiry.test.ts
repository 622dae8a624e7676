import { setTimeout as pause } from 'node:timers/promises';
import { type Arrived, startTestStack, type TestStack } from '../support/stack.ts';
import { scaleLimit } from '../support/time-limits.ts';

const timeoutMillis = scaleLimit(6000);
/** A session is warned about soon after its last activity, so that a slow machine does not miss the time for the warning. */
const warningMillis = timeoutMillis - 200;
let stack: TestStack;

beforeAll(async () => {
  stack = await startTestStack({
    SESSION_TIMEOUT_HOURS: String(timeoutMillis / 3_600_000),
    SESSION_WARNING_MINUTES: String(warningMillis / 60_000),
  });
});
afterAll(() => stack.close());

/** Starts the cleanup until a client gets the awaited frame. */
async function sweepUntil<T>(heard: Promise<T>): Promise<T> {
  let waiting = true;
  const done = heard.finally(() => {
    waiting = false;
  });
  while (waiting) {
    await stack.fireSchedule('CleanupSweep');
    await Promise.race([done.catch(() => {}), pause(200)]);
  }
  return done;
}

/** Moves the start of a session and its last activity into the past. */
async function setInactive(sessionId: string): Promise<void> {
  await stack.database.query(
    `WITH time AS (SELECT now() - make_interval(secs => $2) AS past),
       session AS (UPDATE collaboration_sessions SET start_time = past, last_active_at = past FROM time WHERE id = $1)
     UPDATE session_participants SET joined_at = past, last_seen_at = past FROM time WHERE session_id = $1`,
    [sessionId, timeoutMillis / 1000],
  );
}

async function statusOf(sessionId: string): Promise<{ status: string; active: number }> {
  const { rows } = await stack.database.query(
    `SELECT status, (SELECT count(*)::int FROM session_participants p WHERE p.session_id = s.id AND is_active) AS active
     FROM collaboration_sessions s WHERE id = $1`,
    [sessionId],
  );
  return rows[0];
}

/** Whether a cleanup has claimed the announcement of an expiry. */
async function isClaimed(sessionId: string): Promise<boolean> {
  const { rows } = await stack.database.query(
    'SELECT FROM collaboration_sessions WHERE id = $1 AND expiry_claimed_until IS NOT NULL',
    [sessionId],
  );
  return rows.length > 0;
}

describe('an inactive session', () => {
  let owner: Arrived;
  let guest: Arrived;
  let sessionId: string;
  let invite: string;

  beforeAll(async () => {
    const hosted = await stack.host('ada');
    owner = hosted.owner;
    sessionId = hosted.session.id;
    const create = { type: 'invite_create', sessionId, role: 'viewer', expiresInSeconds: 3600 };
    ({ invite } = await owner.expect('invite_created', create));
    guest = await stack.arrive('bob');
    await guest.expect('session_joined', { type: 'session_join', sessionId });
  });

  test('[SE6] causes a warning and then expires, and each participant is told once', async () => {
    const warned = await sweepUntil(guest.next('session_expiring'));
    expect(warned).toMatchObject({ sessionId, expiresAt: expect.any(Number) });
    expect(Math.abs(warned.expiresAt - Date.now())).toBeLessThan(timeoutMillis);
    const expired = await sweepUntil(Promise.all([owner.next('session_expired'), guest.next('session_expired')]));
    for (const frame of expired) expect(frame).toMatchObject({ sessionId, reason: 'inactivity_timeout' });
    expect(Date.now()).toBeGreaterThanOrEqual(warned.expiresAt - 100);
    await Promise.all([stack.fireSchedule('CleanupSweep'), stack.fireSchedule('CleanupSweep')]);
    await owner.expect('pong', { type: 'ping' });
    expect(owner.framesOf('session_expired')).toHaveLength(1);
    expect(guest.framesOf('session_expiring')).toHaveLength(1);
  });

  test('[SE6] has no active participant, no presence and an entry in the audit trail after its expiry', async () => {
    expect(await statusOf(sessionId)).toEqual({ status: 'expired', active: 0 });
    expect(await stack.audit(sessionId, 'session_expired')).toMatchObject([
      {
        user_id: null,
        details: { reason: 'inactivity_timeout', durationMinutes: expect.any(Number), participantCount: 2 },
      },
    ]);
    // The entry has the time of the expiry; otherwise a late announcement would be sorted after the recovery.
    const { rows } = await stack.database.query(
      `SELECT a.created_at - s.end_time = '0' AS at_its_time FROM activity_log a
       JOIN collaboration_sessions s ON s.id = a.session_id WHERE s.id = $1 AND a.activity_type = 'session_expired'`,
      [sessionId],
    );
    expect(rows).toEqual([{ at_its_time: true }]);
    expect(await stack.redis.keys(`presence:{${sessionId}}:*`)).toEqual([]);
    expect(await guest.ask({ type: 'heartbeat', sessionId })).toMatchObject({ type: 'error', code: 'NOT_IN_SESSION' });
  });

  test('[SE5] refuses joins after its expiry, and its invite is refused with the lifetime of sessions', async () => {
    expect(await guest.ask({ type: 'session_join', sessionId })).toMatchObject({ code: 'SESSION_INACTIVE' });
    const invited = await stack.arrive('cora');
    expect(await invited.ask({ type: 'session_join', sessionId, invite })).toMatchObject({
      type: 'error',
      code: 'INVITE_EXPIRED',
      message: expect.stringMatching(
        /^This invitation link has expired\. Sessions become inactive after \S.* of no activity\.$/,
      ),
    });
  });

  test('[SE6] can be recovered only by its owner, has one entry for it, and can be joined again', async () => {
    expect(await guest.ask({ type: 'session_recover', sessionId })).toMatchObject({ code: 'PERMISSION_DENIED' });
    const recovered = await owner.expect('session_recovered', { type: 'session_recover', sessionId });
    expect(recovered.session).toMatchObject({ id: sessionId, status: 'active' });
    await owner.expect('session_recovered', { type: 'session_recover', sessionId });
    expect(await stack.audit(sessionId, 'session_recovered')).toHaveLength(1);
    await guest.expect('session_joined', { type: 'session_join', sessionId });
  });
});

test('[SE5] a session with signs of life does not expire', async () => {
  const { owner, session } = await stack.host('dora');
  await setInactive(session.id);
  await owner.expect('ack', { type: 'heartbeat', sessionId: session.id });
  await stack.fireSchedule('CleanupSweep');
  expect(await statusOf(session.id)).toEqual({ status: 'active', active: 1 });
  expect(owner.framesOf('session_expired')).toEqual([]);
});

test('[SE6] a user who returns to a session that is recovered during the announcement of its expiry stays present', async () => {
  const { owner, session } = await stack.host('emil');
  const sessionId = session.id;
  const held = await stack.database.connect();
  try {
    // A lock delays the audit entry of the announcement, so that the recovery happens meanwhile.
    await held.query('BEGIN');
    await held.query('LOCK TABLE activity_log IN SHARE ROW EXCLUSIVE MODE');
    await stack.database.query(
      `UPDATE collaboration_sessions SET status = 'expired', active = false, end_time = now() WHERE id = $1`,
      [sessionId],
    );
    const swept = stack.fireSchedule('CleanupSweep');
    while (!(await isClaimed(sessionId))) await pause(20);
    await stack.database.query(
      `UPDATE collaboration_sessions SET status = 'active', active = true, end_time = NULL, last_active_at = now(),
         expiry_claimed_until = NULL WHERE id = $1`,
      [sessionId],
    );
    await held.query('COMMIT');
    await swept;
  } finally {
    held.release();
  }
  expect(await stack.audit(sessionId, 'session_expired')).toHaveLength(1);
  expect(owner.framesOf('session_expired')).toEqual([]);
  await owner.expect('ack', { type: 'heartbeat', sessionId });
  expect(await statusOf(sessionId)).toEqual({ status: 'active', active: 1 });
});

test('[SE6] an expiry that no cleanup announced is in the audit trail before the recovery', async () => {
  const { owner, session } = await stack.host('fay');
  await owner.close();
  await setInactive(session.id);
  const back = await stack.arrive('fay');
  await back.expect('session_recovered', { type: 'session_recover', sessionId: session.id });
  const { rows } = await stack.database.query(
    `SELECT activity_type FROM activity_log WHERE session_id = $1 AND activity_type IN ('session_expired', 'session_recovered')
     ORDER BY created_at`,
    [session.id],
  );
  expect(rows.map((row) => row.activity_type)).toEqual(['session_expired', 'session_recovered']);
});
