import { randomUUID } from 'node:crypto';
import { touchSessions } from '../../lambdas/sessions/touch-sessions.ts';
import { codeOf, hour, minute, type SessionWorld, sessionWorld, user } from './support.ts';

let world: SessionWorld;
beforeAll(async () => {
  world = await sessionWorld();
});
afterAll(() => world.close());

const statusOf = async (id: string) => (await world.manager.getSession(id)).status;

describe('expiry as it is read', () => {
  test('[SE5] the age starts at the creation, and one rule answers everybody at the same millisecond', async () => {
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

  test('[SE5] says after what time it expired, which is the setting’s', async () => {
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

  test('[SE5] a join and an active participant’s sign of life are activity; what somebody did who left is not', async () => {
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

  test('[SE5] an unknown session is not found, not expired', async () => {
    expect(await codeOf(world.manager.checkSessionExpiry(randomUUID()))).toBe('SESSION_NOT_FOUND');
  });
});

describe('touchSessions', () => {
  const touch = (updates: Parameters<typeof touchSessions>[1]) => touchSessions(world.database.pool, updates);
  const participant = async (id: string) => (await world.manager.getParticipants(id))[0]!;

  test('[SE4] revives liveness of many sessions in one statement, and no lifecycle', async () => {
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

  test('goes forward only, and takes the newest of several updates', async () => {
    const { id, ownerId } = await world.session();
    const at = world.now() + 5000;
    const update = (time: number) => ({ sessionId: id, personId: ownerId, at: time });
    await touch([update(at - 1000), update(at), update(at - 2000)]);
    await touch([update(at - 3000)]);
    expect((await participant(id)).lastSeenAt).toBe(at);
    expect(await world.manager.getSession(id)).toMatchObject({ lastActiveAt: at });
    expect(await touch([])).toEqual([]);
  });

  test('[PR12] writes a time only where it is newer by more than asked, but brings a silent session back', async () => {
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

  test('of a session without a person keeps that session alone', async () => {
    const { id, ownerId } = await world.session();
    const before = (await participant(id)).lastSeenAt;
    await touch([{ sessionId: id, personId: null, at: world.now() + 1000 }]);
    expect((await participant(id)).lastSeenAt).toBe(before);
    expect(await world.manager.getSession(id)).toMatchObject({ ownerId, lastActiveAt: world.now() + 1000 });
  });

  test('never deadlocks with itself', async () => {
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
    '[SE4] makes an active session %s and takes every slot',
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

  test('[SE9] ends once, however many ask at once, and the first word stands', async () => {
    const { id } = await world.session();
    const results = await Promise.all(Array.from({ length: 10 }, () => world.manager.endSession(id)));
    expect(results.filter((result) => result.ended)).toHaveLength(1);
    expect(await world.manager.endSession(id, { status: 'failed' })).toMatchObject({
      ...{ ended: false, session: { status: 'completed' } },
    });
  });

  test('[SE4] nobody who races with the end keeps a slot', async () => {
    const { id } = await world.session({ isPublic: true });
    const joins = Array.from({ length: 20 }, () =>
      codeOf(world.manager.joinSession({ sessionRef: id, person: user() })),
    );
    await Promise.all([world.manager.endSession(id), ...joins]);
    expect(await world.manager.getParticipants(id)).toEqual([]);
  });

  test('[SE1] is the owner’s alone', async () => {
    const { id } = await world.session();
    const person = user();
    await world.manager.addParticipant(id, person.userId, 'operator');
    expect(await codeOf(world.manager.endSession(id, { asker: person }))).toBe('PERMISSION_DENIED');
    expect(await statusOf(id)).toBe('active');
  });

  test('[SE4] leaves an expired session expired', async () => {
    const { id } = await world.session();
    world.pass(hour);
    expect(await world.manager.endSession(id)).toMatchObject({ ended: false, session: { status: 'expired' } });
  });
});

describe('recoverSession', () => {
  test('[SE6] brings an expired session back within its retention, its people with their rights', async () => {
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

  test('[SE6] tells the expiry that nobody announced, whether a sweep wrote it down or not', async () => {
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

  test('[SE6] not after its retention, counted from the expiry', async () => {
    const { id, ownerId } = await world.session();
    const other = await world.session();
    world.pass(25 * hour - 1);
    expect(await world.manager.recoverSession(id, { userId: ownerId })).toMatchObject({ recovered: true });
    world.pass(1);
    expect(await codeOf(world.manager.recoverSession(other.id, { userId: other.ownerId }))).toBe('SESSION_INACTIVE');
  });

  test('[SE4] never one that was ended, nor at the wish of anybody but the owner', async () => {
    const { id, ownerId } = await world.session();
    const person = user();
    await world.manager.addParticipant(id, person.userId, 'operator');
    await world.manager.endSession(id);
    expect(await codeOf(world.manager.recoverSession(id, { userId: ownerId }))).toBe('SESSION_INACTIVE');
    expect(await codeOf(world.manager.recoverSession(id, person))).toBe('PERMISSION_DENIED');
  });
});

describe('listSessionsOf', () => {
  test('pages through what a user owns or may enter, newest first, each once', async () => {
    const person = user();
    const expected: string[] = [];
    for (let count = 0; count < 7; count += 1) {
      const { id } =
        count % 2 ? await world.session() : await world.manager.createSession(person.userId, 'op', {}, person);
      if (count % 2) await world.manager.addParticipant(id, person.userId);
      // Two of one millisecond, then one of the next.
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

  test('leaves out what a user was removed from', async () => {
    const person = user();
    const { id } = await world.session();
    await world.manager.addParticipant(id, person.userId);
    await world.manager.removeParticipant(id, person.userId);
    expect(await world.manager.listSessionsOf(person)).toEqual({ items: [] });
  });

  test.each(['x', '', '####', Buffer.from('NaN.x').toString('base64url')])('refuses the place %j', async (before) => {
    expect(await codeOf(world.manager.listSessionsOf({ userId: randomUUID() }, { before }))).toBe('INVALID_MESSAGE');
  });
});
