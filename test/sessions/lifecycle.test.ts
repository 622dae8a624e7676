import { randomUUID } from 'node:crypto';
import { log } from '../../lambdas/platform/log.ts';
import { touchSessions } from '../../lambdas/sessions/touch-sessions.ts';
import { codeOf, hour, minute, type SessionWorld, sessionWorld, user } from './support.ts';

let world: SessionWorld;
beforeAll(async () => {
  world = await sessionWorld();
});
afterAll(() => world.close());

const statusOf = async (id: string) => (await world.manager.getSession(id)).status;

describe('reading the expiry', () => {
  test('[SE5] the creation counts as activity, and all functions use the same test at the same millisecond', async () => {
    const { id, ownerId } = await world.session({ isPublic: true });
    const answers = async () => [
      await statusOf(id),
      (await world.manager.listSessionsOf({ userId: ownerId })).items[0]!.status,
      await world.manager.checkSessionExpiry(id),
      await codeOf(world.manager.authorize(id, { userId: ownerId }, 'manage')),
      await codeOf(world.manager.joinSession({ sessionRef: id, person: user() })),
    ];
    world.pass(hour - 1);
    expect((await answers()).slice(0, 4)).toEqual(['active', 'active', false, 'none']);

    const other = await world.session({ isPublic: true });
    world.pass(hour);
    const late = await world.manager.getSession(other.id);
    expect(late).toMatchObject({ status: 'expired', active: false, endTime: late.startTime + hour });
    expect(await codeOf(world.manager.joinSession({ sessionRef: other.id, person: user() }))).toBe('SESSION_INACTIVE');
    expect(await world.manager.checkSessionExpiry(other.id)).toBe(true);
    expect(await codeOf(world.manager.authorize(other.id, { userId: other.ownerId }, 'manage'))).toBe(
      'SESSION_INACTIVE',
    );
  });

  test('[SE5] the message has the time of the setting', async () => {
    const longer = await sessionWorld({ SESSION_TIMEOUT_HOURS: '2' });
    try {
      const { id } = await longer.session({ isPublic: true });
      longer.pass(2 * hour);
      await expect(longer.manager.joinSession({ sessionRef: id, person: user() })).rejects.toThrow(
        'Session expired after 2 hours of inactivity; ask its owner to recover it.',
      );
    } finally {
      await longer.close();
    }
  });

  test('[SE5] joins and signs of life of active participants count as activity, and those of users who left do not', async () => {
    const { id } = await world.session({ isPublic: true });
    const person = user();
    world.pass(hour - 1);
    await world.manager.joinSession({ sessionRef: id, person });
    world.pass(hour - 1);
    expect(await statusOf(id)).toBe('active');
    const seen = 'UPDATE session_participants SET last_seen_at = to_timestamp($1 / 1000.0) WHERE user_id = $2';
    await world.database.pool.query(seen, [world.now(), person.userId]);
    world.pass(hour - 1);
    expect(await statusOf(id)).toBe('active');
    await world.manager.leaveSession(id, person.userId);
    expect(await statusOf(id)).toBe('expired');
  });

  test('[SE5] an unknown session is answered with SESSION_NOT_FOUND and not as expired', async () => {
    expect(await codeOf(world.manager.checkSessionExpiry(randomUUID()))).toBe('SESSION_NOT_FOUND');
  });
});

describe('touchSessions', () => {
  const touch = (updates: Parameters<typeof touchSessions>[1]) => touchSessions(world.database.pool, updates);
  const participant = async (id: string) => (await world.manager.getParticipants(id))[0]!;

  test('[SE4] restores the liveness of many sessions in one statement and does not change their lifecycle', async () => {
    const sessions = await Promise.all(Array.from({ length: 30 }, () => world.session()));
    const ended = await world.session();
    await world.manager.endSession(ended.id);
    const quiet = 'UPDATE collaboration_sessions SET active = false WHERE id = $1';
    await world.database.pool.query(quiet, [sessions[0]!.id]);
    world.pass(minute);
    const at = world.now();
    const revived = await touch(
      [...sessions, ended].map(({ id, ownerId }) => ({ sessionId: id, personId: ownerId, at })),
    );
    expect(revived).toEqual([{ sessionId: sessions[0]!.id, ownerId: sessions[0]!.ownerId, activeAt: at }]);
    for (const { id } of sessions) {
      expect(await world.manager.getSession(id)).toMatchObject({ active: true, lastActiveAt: at });
      expect((await participant(id)).lastSeenAt).toBe(at);
    }
    expect(await world.manager.getSession(ended.id)).toMatchObject({ status: 'completed', active: false });
  });

  test('moves times only forward, and uses the newest of several updates', async () => {
    const { id, ownerId } = await world.session();
    const at = world.now() + 5000;
    const update = (time: number) => ({ sessionId: id, personId: ownerId, at: time });
    await touch([update(at - 1000), update(at), update(at - 2000)]);
    await touch([update(at - 3000)]);
    expect((await participant(id)).lastSeenAt).toBe(at);
    expect(await world.manager.getSession(id)).toMatchObject({ lastActiveAt: at });
    expect(await touch([])).toEqual([]);
  });

  test('[PR12] writes a time only if it is newer by the given step, but always makes an inactive session active', async () => {
    const { id, ownerId } = await world.session();
    const seen = (after: number) => [{ sessionId: id, personId: ownerId, at: world.now() + after }];
    const touchRarely = (after: number) => touchSessions(world.database.pool, seen(after), 30_000);
    const before = (await participant(id)).lastSeenAt;
    await touchRarely(30_000);
    expect((await participant(id)).lastSeenAt).toBe(before);
    await touchRarely(30_001);
    expect((await participant(id)).lastSeenAt).toBe(world.now() + 30_001);
    await world.database.pool.query('UPDATE collaboration_sessions SET active = false WHERE id = $1', [id]);
    expect(await touchRarely(30_002)).toHaveLength(1);
    expect(await world.manager.getSession(id)).toMatchObject({ active: true });
  });

  test('without a user keeps only the session itself active', async () => {
    const { id, ownerId } = await world.session();
    const before = (await participant(id)).lastSeenAt;
    await touch([{ sessionId: id, personId: null, at: world.now() + 1000 }]);
    expect((await participant(id)).lastSeenAt).toBe(before);
    expect(await world.manager.getSession(id)).toMatchObject({ ownerId, lastActiveAt: world.now() + 1000 });
  });

  test('does not cause a deadlock with itself', async () => {
    const sessions = await Promise.all(Array.from({ length: 20 }, () => world.session()));
    const rounds = Array.from({ length: 10 }, (_, round) => {
      const at = world.now() + round + 1;
      const updates = sessions.map(({ id, ownerId }) => ({ sessionId: id, personId: ownerId, at }));
      return touch(round % 2 ? updates : updates.reverse());
    });
    await Promise.all(rounds);
    expect(await world.manager.getSession(sessions[0]!.id)).toMatchObject({ lastActiveAt: world.now() + 10 });
  });
});

describe('endSession', () => {
  test.each(['completed', 'failed'] as const)(
    '[SE4] makes an active session %s and releases all slots',
    async (status) => {
      const { id, ownerId } = await world.session();
      expect(await world.manager.endSession(id, { status, asker: { userId: ownerId } })).toMatchObject({
        ...{ ended: true, session: { status, active: false, endTime: world.now() } },
      });
      expect(await world.manager.getParticipants(id)).toEqual([]);
      expect((await world.manager.getParticipants(id, { includeLeft: true }))[0]).toMatchObject({
        leftAt: world.now(),
      });
    },
  );

  test('[SE9] ends a session once, even if many calls run at the same time, and the first status stays', async () => {
    const { id } = await world.session();
    const results = await Promise.all(Array.from({ length: 10 }, () => world.manager.endSession(id)));
    expect(results.filter((result) => result.ended)).toHaveLength(1);
    expect(await world.manager.endSession(id, { status: 'failed' })).toMatchObject({
      ...{ ended: false, session: { status: 'completed' } },
    });
  });

  test('[SE4] a join at the same time as the end keeps no slot', async () => {
    const { id } = await world.session({ isPublic: true });
    const joins = Array.from({ length: 20 }, () =>
      codeOf(world.manager.joinSession({ sessionRef: id, person: user() })),
    );
    await Promise.all([world.manager.endSession(id), ...joins]);
    expect(await world.manager.getParticipants(id)).toEqual([]);
  });

  test('[SE1] is permitted only to the owner', async () => {
    const { id } = await world.session();
    const person = user();
    await world.manager.addParticipant(id, person.userId, 'operator');
    expect(await codeOf(world.manager.endSession(id, { asker: person }))).toBe('PERMISSION_DENIED');
    expect(await statusOf(id)).toBe('active');
  });

  test('[SE4] does not change an expired session', async () => {
    const { id } = await world.session();
    world.pass(hour);
    expect(await world.manager.endSession(id)).toMatchObject({ ended: false, session: { status: 'expired' } });
  });
});

describe('recoverSession', () => {
  test('[SE6] recovers an expired session within its retention, and its participants keep their rights', async () => {
    const { id, ownerId } = await world.session();
    const person = user();
    await world.manager.addParticipant(id, person.userId, 'commenter');
    world.pass(hour);
    const result = await world.manager.recoverSession(id, { userId: ownerId });
    expect(result).toMatchObject({ recovered: true, session: { status: 'active', active: true, endTime: null } });
    expect(await world.manager.getParticipants(id)).toEqual([]);
    expect(await world.manager.joinSession({ sessionRef: id, person })).toMatchObject({ role: 'commenter' });
    expect(await world.manager.recoverSession(id, { userId: ownerId })).toMatchObject({ recovered: false });
  });

  test('[SE6] returns the expiry that was not announced, whether the cleanup had recorded it or not', async () => {
    const unswept = await world.session();
    const person = user();
    world.pass(30 * minute);
    await world.manager.addParticipant(unswept.id, person.userId);
    const expiredAt = world.now() + hour;
    world.pass(hour + minute);
    const { unannounced } = await world.manager.recoverSession(unswept.id, { userId: unswept.ownerId });
    expect(unannounced).toEqual({ sessionId: unswept.id, expiredAt, durationMinutes: 90, participantCount: 2 });
    expect((await world.manager.recoverSession(unswept.id, { userId: unswept.ownerId })).unannounced).toBeUndefined();

    const [swept, announced] = [await world.session(), await world.session()];
    world.pass(hour);
    const sweptAt = world.now();
    await world.database.pool.query(`SELECT cleanup_inactive_sessions('1 hour', 1000, $1)`, [new Date(sweptAt)]);
    await world.database.pool.query('UPDATE collaboration_sessions SET expiry_announced_at = now() WHERE id = $1', [
      announced.id,
    ]);
    world.pass(minute);
    const told = await Promise.all(
      [swept, announced].map(
        async ({ id, ownerId }) => (await world.manager.recoverSession(id, { userId: ownerId })).unannounced,
      ),
    );
    expect(told).toEqual([
      { sessionId: swept.id, expiredAt: sweptAt, durationMinutes: 60, participantCount: 1 },
      undefined,
    ]);
  });

  test('[SE6] is refused after the retention, counted from the expiry', async () => {
    const { id, ownerId } = await world.session();
    const other = await world.session();
    world.pass(25 * hour - 1);
    expect(await world.manager.recoverSession(id, { userId: ownerId })).toMatchObject({ recovered: true });
    world.pass(1);
    expect(await codeOf(world.manager.recoverSession(other.id, { userId: other.ownerId }))).toBe('SESSION_INACTIVE');
  });

  test('[SE4] is refused for an ended session and for users other than the owner', async () => {
    const { id, ownerId } = await world.session();
    const person = user();
    await world.manager.addParticipant(id, person.userId, 'operator');
    await world.manager.endSession(id);
    expect(await codeOf(world.manager.recoverSession(id, { userId: ownerId }))).toBe('SESSION_INACTIVE');
    expect(await codeOf(world.manager.recoverSession(id, person))).toBe('PERMISSION_DENIED');
  });
});

describe('listSessionsOf', () => {
  test('lists the sessions that a user owns or participates in, newest first, each once, in pages', async () => {
    const person = user();
    const expected: string[] = [];
    for (let count = 0; count < 7; count += 1) {
      const { id } =
        count % 2 ? await world.session() : await world.manager.createSession(person.userId, 'op', {}, person);
      if (count % 2) await world.manager.addParticipant(id, person.userId);
      // Two sessions of one millisecond, then one of the next.
      if (count % 3) world.pass(1);
      expected.push(id);
    }
    const seen: string[] = [];
    const starts: number[] = [];
    let before: string | undefined;
    do {
      const page = await world.manager.listSessionsOf(person, { limit: 2, before });
      seen.push(...page.items.map((session) => session.id));
      starts.push(...page.items.map((session) => session.startTime));
      before = page.next;
    } while (before !== undefined);
    expect(seen).toHaveLength(7);
    expect([...seen].sort()).toEqual([...expected].sort());
    expect(starts).toEqual([...starts].sort((one, other) => other - one));
  });

  test('leaves out sessions from which the user was removed', async () => {
    const person = user();
    const { id } = await world.session();
    await world.manager.addParticipant(id, person.userId);
    await world.manager.removeParticipant(id, person.userId);
    expect(await world.manager.listSessionsOf(person)).toEqual({ items: [] });
  });

  test.each(['x', '', '####', Buffer.from('NaN.x').toString('base64url')])(
    'refuses the page token %j',
    async (before) => {
      expect(await codeOf(world.manager.listSessionsOf({ userId: randomUUID() }, { before }))).toBe('INVALID_MESSAGE');
    },
  );
});

test('log lines tell of last-seen updates and of checks of the expiry', async () => {
  const { id, ownerId } = await world.session();
  const lines: unknown[] = [];
  const logged = jest.spyOn(log, 'debug').mockImplementation((...line: unknown[]) => void lines.push(line[0]));
  try {
    const seen = { sessionId: id, personId: ownerId, at: world.now() };
    await touchSessions(world.database.pool, [seen, { ...seen, personId: user().userId }]);
    await world.manager.checkSessionExpiry(id);
    world.pass(2 * hour);
    await world.manager.checkSessionExpiry(id);
  } finally {
    logged.mockRestore();
  }
  expect(lines).toEqual([
    `Updating participant presence for session: ${id}`,
    'Session expiry check: active',
    'Session expiry check: expired',
  ]);
});
