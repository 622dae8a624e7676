import { randomUUID } from 'node:crypto';
import { log } from '../../lambdas/platform/log.ts';
import type { Person } from '../../lambdas/sessions/person.ts';
import { type SessionCleanupOptions, SessionCleanupService } from '../../lambdas/sessions/session-cleanup-service.ts';
import { type ExpiredSession, type ExpiringSession, SweepRepository } from '../../lambdas/sessions/sweep-repository.ts';
import { codeOf, guest, hour, minute, type SessionWorld, sessionWorld, user } from './support.ts';

let world: SessionWorld;
let expired: ExpiredSession[];
let warned: ExpiringSession[];
let lines: string[];
let onLine: (line: string) => void;

beforeEach(async () => {
  lines = [];
  onLine = () => {};
  jest.spyOn(log, 'info').mockImplementation((...line: unknown[]) => {
    lines.push(String(line[0]));
    onLine(String(line[0]));
  });
  world = await sessionWorld();
  expired = [];
  warned = [];
});
afterEach(async () => {
  jest.restoreAllMocks();
  await world.close();
});

function service(options: Partial<SessionCleanupOptions> = {}): SessionCleanupService {
  return new SessionCleanupService(serviceOptions(options));
}

function serviceOptions(options: Partial<SessionCleanupOptions> = {}): SessionCleanupOptions {
  return {
    database: world.database.pool,
    timings: world.timings,
    clock: world.now,
    onExpired: async (session) => void expired.push(session),
    onExpiring: async (session) => void warned.push(session),
    ...options,
  };
}

const stats = (total: number, active: number, recent: number) => ({
  ...{ totalSessions: total, activeSessions: active, inactiveSessions: total - active },
  sessionsWithRecentActivity: recent,
});

describe('runCleanup', () => {
  test('[SE6] expires inactive sessions, releases their slots, and reports the fields for the audit trail', async () => {
    const { id, ownerId } = await world.session();
    const person = user();
    world.pass(30 * minute);
    await world.manager.addParticipant(id, person.userId);
    world.pass(hour - 1);
    expect(await service().runCleanup()).toBe(0);
    world.pass(1);
    expect(await service().runCleanup()).toBe(1);
    const { sessionId: name } = await world.manager.getSession(id);
    expect(expired).toEqual([
      { sessionId: id, name, ownerId, expiredAt: world.now(), durationMinutes: 90, participantCount: 2 },
    ]);
    expect(await world.manager.getParticipants(id)).toEqual([]);
    expect(await service().runCleanup()).toBe(0);
    expect(expired).toHaveLength(1);
  });

  test('[SE6] warns before the expiry, once for each period of inactivity', async () => {
    const { id, ownerId } = await world.session();
    const start = world.now();
    world.pass(55 * minute - 1);
    await service().runExpiry();
    expect(warned).toEqual([]);
    world.pass(1);
    await service().runExpiry();
    await service().runExpiry();
    expect(warned).toEqual([{ sessionId: id, ownerId, expiresAt: start + hour }]);
    world.pass(minute);
    await world.manager.addParticipant(id, randomUUID());
    world.pass(55 * minute);
    await service().runExpiry();
    expect(warned).toHaveLength(2);
    expect(expired).toEqual([]);
  });

  test('[SE9] several runs at the same time announce each expiry and each warning once', async () => {
    const silent = await Promise.all(Array.from({ length: 40 }, () => world.session()));
    world.pass(5 * minute);
    const quieter = await Promise.all(Array.from({ length: 40 }, () => world.session()));
    world.pass(55 * minute);
    const counts = await Promise.all(Array.from({ length: 4 }, () => service({ batchSize: 7 }).runCleanup()));
    expect(counts.reduce((sum, count) => sum + count)).toBe(40);
    const ids = (list: { sessionId: string }[]) => list.map((session) => session.sessionId).sort();
    expect(ids(expired)).toEqual(silent.map((session) => session.id).sort());
    expect(ids(warned)).toEqual(quieter.map((session) => session.id).sort());
  });

  test('[SE9] a run skips the announcements that another run has claimed, without waiting', async () => {
    const silent = await world.session();
    world.pass(57 * minute);
    const soon = await world.session();
    world.pass(3 * minute);
    const ids = [silent.id, soon.id];
    const client = await world.database.pool.connect();
    const [first, second] = [client, world.database.pool].map(
      (database) => new SweepRepository(database, world.timings),
    );
    const claims = async (sweep: SweepRepository) => [
      ...(await sweep.claimExpired(10, world.now())),
      ...(await sweep.claimWarnings(ids, world.now())),
    ];
    try {
      await first!.expire([silent.id], world.now());
      world.pass(53 * minute);
      await client.query('BEGIN');
      expect((await claims(first!)).map((session) => session.sessionId)).toEqual(ids);
      expect(await claims(second!)).toEqual([]);
      await client.query('COMMIT');
    } finally {
      client.release();
    }
    expect(await claims(second!)).toEqual([]);
  });

  test('[SE6] if a run is killed after its claim, another run makes the announcement', async () => {
    const { id } = await world.session();
    world.pass(hour);
    const sweep = new SweepRepository(world.database.pool, world.timings);
    await sweep.expire([id], world.now());
    const claim = async () => (await sweep.claimExpired(10, world.now())).map((session) => session.sessionId);
    expect(await claim()).toEqual([id]);
    world.pass(minute - 1);
    expect(await claim()).toEqual([]);
    world.pass(1);
    expect(await claim()).toEqual([id]);
    await sweep.confirmExpired([id], world.now());
    world.pass(hour);
    expect(await claim()).toEqual([]);
  });

  test('[SE10] works in batches and begins no further batch when its time is over', async () => {
    await Promise.all(Array.from({ length: 25 }, () => world.session()));
    world.pass(hour);
    expect(await service({ batchSize: 10, budgetMillis: 0 }).runCleanup()).toBe(10);
    expect(await service({ batchSize: 10 }).runCleanup()).toBe(15);
  });

  test('[SE6] a failed announcement is repeated by the next run and does not affect the others', async () => {
    const sessions = await Promise.all([world.session(), world.session(), world.session()]);
    const failing = sessions[1]!.id;
    const logged = jest.spyOn(log, 'error').mockImplementation(() => {});
    world.pass(hour);
    const onExpired = async (session: ExpiredSession) => {
      if (session.sessionId === failing) throw new Error('no gateway');
      expired.push(session);
    };
    expect(await service({ onExpired }).runCleanup()).toBe(3);
    expect(expired.map((session) => session.sessionId)).not.toContain(failing);
    expect(logged).toHaveBeenCalled();
    await service().runCleanup();
    expect(expired).toHaveLength(2);
    world.pass(minute);
    await service().runCleanup();
    expect(expired).toHaveLength(3);
  });

  test('[SE6] an announcement can check whether its session was recovered meanwhile', async () => {
    const [recovered, left] = [await world.session(), await world.session()];
    world.pass(hour);
    const still = new Map<string, boolean>();
    const onExpired: SessionCleanupOptions['onExpired'] = async ({ sessionId }, isStillExpired) => {
      if (sessionId === recovered.id) await world.manager.recoverSession(recovered.id, { userId: recovered.ownerId });
      still.set(sessionId, await isStillExpired());
    };
    await service({ onExpired }).runCleanup();
    expect(Object.fromEntries(still)).toEqual({ [recovered.id]: false, [left.id]: true });
    expect((await world.manager.getSession(recovered.id)).status).toBe('active');
  });

  test('[SE6] a session that was expired by SQL is announced', async () => {
    const { id } = await world.session();
    const later = new Date(world.now() + hour);
    await world.database.pool.query(`SELECT cleanup_inactive_sessions('1 hour', 10, $1)`, [later]);
    await service().runCleanup();
    expect(expired).toMatchObject([{ sessionId: id }]);
  });

  test('[SE5] no session expires while a user is present or while presence is unknown', async () => {
    const [here, gone] = [await world.session(), await world.session()];
    world.pass(hour);
    const logged = jest.spyOn(log, 'error').mockImplementation(() => {});
    const blind = service({ lastSigns: () => Promise.reject(new Error('Redis is away')) });
    expect(await blind.runCleanup()).toBe(0);
    expect(logged).toHaveBeenCalledWith('Cleanup failed: Redis is away', expect.any(Error));
    const lastSigns = async () => new Map([[here.id, world.now()]]);
    expect(await service({ lastSigns, batchSize: 1 }).runCleanup()).toBe(1);
    expect(await world.manager.getSession(here.id)).toMatchObject({ status: 'active', lastActiveAt: world.now() });
    expect(await world.manager.getSession(gone.id)).toMatchObject({ status: 'expired' });
  });

  test('[SE6] a session is warned of and expires by its last sign of life, also one that is not stored yet', async () => {
    const { id } = await world.session();
    const sign = world.now() + 40_000;
    const aware = service({ lastSigns: async () => new Map([[id, sign]]) });
    world.pass(55 * minute);
    await aware.runCleanup();
    expect(warned).toEqual([]);
    expect(await world.manager.getSession(id)).toMatchObject({ lastActiveAt: sign });
    world.pass(40_000);
    await aware.runCleanup();
    expect(warned).toMatchObject([{ sessionId: id, expiresAt: sign + hour }]);
    world.pass(5 * minute);
    expect(await aware.runCleanup()).toBe(1);
    expect(expired).toMatchObject([{ sessionId: id }]);
  });

  test('[SE6] purges sessions and participants after the retention, and keeps the audit trail and the owner', async () => {
    const { id, ownerId } = await world.session({ isPublic: true });
    const { sessionId: name } = await world.manager.getSession(id);
    const completed = await world.session();
    const invite = await world.invites.createInvite(id, { userId: ownerId }, { role: 'viewer' });
    const entry = `INSERT INTO activity_log (session_id, user_id, activity_type) VALUES ($1, $2, 'note')`;
    await world.database.pool.query(entry, [id, ownerId]);
    await world.manager.endSession(completed.id);
    world.pass(hour);
    await service().runCleanup();
    world.pass(24 * hour - 1);
    expect(await service().runCleanup()).toBe(1);
    expect(await codeOf(world.manager.getSession(completed.id))).toBe('SESSION_NOT_FOUND');
    expect(await world.manager.getSession(id)).toMatchObject({ status: 'expired' });
    world.pass(1);
    expect(await service().runCleanup()).toBe(1);
    const left = await world.database.pool.query('SELECT FROM session_participants');
    const trail = await world.database.pool.query('SELECT FROM activity_log WHERE session_id = $1', [id]);
    expect([left.rowCount, trail.rowCount]).toEqual([0, 1]);
    expect(await world.manager.getOwner(id)).toEqual({ id, ownerId, operationId: 'op-1' });
    for (const sessionRef of [id, id.toUpperCase(), name]) {
      const enter = (person: Person) =>
        codeOf(world.manager.joinSession({ sessionRef, person, invite: invite.invite }));
      expect([sessionRef, await enter(user()), await enter(guest())]).toEqual([
        sessionRef,
        'INVITE_EXPIRED',
        'INVITE_EXPIRED',
      ]);
      expect(await codeOf(world.manager.joinSession({ sessionRef, person: user() }))).toBe('SESSION_NOT_FOUND');
      expect(await world.manager.resolveSessionId(sessionRef)).toBe(id);
    }
    world.pass(world.timings.activityRetentionMillis);
    await service().runCleanup();
    expect(await codeOf(world.manager.getOwner(id))).toBe('SESSION_NOT_FOUND');
  });

  test('[SE6] releases the slots that are still held in an ended session', async () => {
    const { id } = await world.session();
    await world.database.pool.query(
      `UPDATE collaboration_sessions SET status = 'completed', end_time = to_timestamp($2 / 1000.0) WHERE id = $1`,
      [id, world.now()],
    );
    await service().runCleanup();
    expect(await world.manager.getParticipants(id)).toEqual([]);
  });

  test('[SE10] does not throw: a failure is logged, and the next run works', async () => {
    const logged = jest.spyOn(log, 'error').mockImplementation(() => {});
    const query = jest.fn().mockRejectedValue(new Error('gone'));
    const broken = service({ database: { query } as unknown as SessionCleanupOptions['database'] });
    expect(await broken.runCleanup()).toBe(0);
    expect(logged).toHaveBeenCalledWith('Cleanup failed: gone', expect.any(Error));
    expect(await new SessionCleanupService().runCleanup()).toBe(0);
  });

  test('[SE10] logs what it does', async () => {
    await world.session();
    world.pass(hour);
    await service().runCleanup();
    expect(lines).toEqual([
      'Cleaning up inactive sessions...',
      'Cleanup completed. Removed 1 sessions',
      `Cleanup stats: ${JSON.stringify(stats(1, 0, 0))}`,
    ]);
  });
});

describe('getCleanupStats', () => {
  test('[SE10] counts all, active, inactive and recently active sessions with the same test for expiry', async () => {
    expect(await service().getCleanupStats()).toEqual(stats(0, 0, 0));
    await world.session();
    const ended = await world.session();
    world.pass(hour - 1);
    await world.session();
    await world.manager.endSession(ended.id);
    expect(await service().getCleanupStats()).toEqual(stats(3, 2, 3));
    world.pass(1);
    expect(await service().getCleanupStats()).toEqual(stats(3, 1, 1));
  });
});

describe('the timer', () => {
  test('[SE10] getInstance returns the same instance in a process', () => {
    expect(SessionCleanupService.getInstance()).toBe(SessionCleanupService.getInstance());
    expect(SessionCleanupService.getInstance().configure(serviceOptions())).toBe(SessionCleanupService.getInstance());
  });

  test('[SE10] start runs once at once, a second start does nothing, and stop ends the runs', async () => {
    const ran = new Promise<void>((resolve) => {
      onLine = (line) => {
        if (line.startsWith('Cleanup stats')) resolve();
      };
    });
    const cleanup = service();
    expect(cleanup.isServiceRunning()).toBe(false);
    cleanup.start(15);
    cleanup.start(1);
    expect(cleanup.isServiceRunning()).toBe(true);
    await ran;
    expect(lines.filter((line) => line === 'Cleaning up inactive sessions...')).toHaveLength(1);
    expect(lines.filter((line) => line.includes('started'))).toEqual([
      'SessionCleanupService started with interval: 15 minutes',
    ]);
    cleanup.stop();
    cleanup.stop();
    expect(cleanup.isServiceRunning()).toBe(false);
  });

  test('[SE10] runs again at each interval, by default that of the setting', async () => {
    jest.useFakeTimers({ doNotFake: ['performance', 'nextTick', 'setImmediate', 'queueMicrotask'] });
    try {
      const cleanup = service();
      const runs = jest.spyOn(cleanup, 'runCleanup').mockResolvedValue(0);
      cleanup.start();
      expect(runs).toHaveBeenCalledTimes(1);
      jest.advanceTimersByTime(15 * minute - 1);
      expect(runs).toHaveBeenCalledTimes(1);
      jest.advanceTimersByTime(1);
      expect(runs).toHaveBeenCalledTimes(2);
      cleanup.stop();
      jest.advanceTimersByTime(hour);
      expect(runs).toHaveBeenCalledTimes(2);
    } finally {
      jest.useRealTimers();
    }
  });

  test.each([0, -1, Number.NaN, Number.POSITIVE_INFINITY])('refuses an interval of %d minutes', (minutes) => {
    const cleanup = service();
    expect(() => cleanup.start(minutes)).toThrow('set it to a number above zero');
    expect(cleanup.isServiceRunning()).toBe(false);
  });
});
