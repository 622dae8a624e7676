import { randomUUID } from 'node:crypto';
import { codeOf, hour, type SessionWorld, sessionWorld, user } from './support.ts';

let world: SessionWorld;
beforeAll(async () => {
  world = await sessionWorld();
});
afterAll(() => world.close());

const join = (sessionRef: string, person = user()) => world.manager.joinSession({ sessionRef, person });
const held = async (id: string) => (await world.manager.getParticipants(id)).length;

describe('createSession', () => {
  test('gives the owner the first slot, as operator, and the session a name of the day', async () => {
    const owner = user('Olga');
    const session = await world.manager.createSession(owner.userId, 'op-7', { title: 'Night shift' }, owner);
    const day = new Date(world.now()).toISOString().slice(0, 10).replaceAll('-', '');
    expect(session.sessionId).toMatch(new RegExp(`^SESSION-${day}-[0-9A-Z]{12}$`));
    expect(session).toMatchObject({
      operationId: 'op-7',
      ownerId: owner.userId,
      status: 'active',
      maxParticipants: 50,
    });
    expect(session).toMatchObject({ startTime: world.now(), lastActiveAt: world.now(), active: true, endTime: null });
    expect(await world.manager.getParticipants(session.sessionId)).toMatchObject([
      { userId: owner.userId, anonymousId: null, name: 'Olga', role: 'operator', isActive: true, leftAt: null },
    ]);
  });

  test('is reached by its UUID and by its name', async () => {
    const { id } = await world.session();
    const session = await world.manager.getSession(id);
    expect(await world.manager.getSession(session.sessionId)).toEqual(session);
    expect(await world.manager.resolveSessionId(session.sessionId)).toBe(id);
  });
});

describe('joinSession', () => {
  test.each([
    ['a UUID of nothing', randomUUID()],
    ['a name of nothing', 'SESSION-20260101-ABCDEFGHJKMN'],
    ['neither', "'; DROP TABLE users; --"],
    ['a character PostgreSQL cannot hold', 'SESSION-\u0000'],
  ])('[SE5] %s is not found, not expired', async (_, reference) => {
    expect(await codeOf(join(reference))).toBe('SESSION_NOT_FOUND');
  });

  test('[SE2] a stranger needs an invitation to a session that is not public', async () => {
    const { id } = await world.session();
    const open = await world.session({ isPublic: true });
    expect(await codeOf(join(id))).toBe('SESSION_NOT_FOUND');
    expect(await join(open.id)).toMatchObject({ role: 'viewer', activated: true });
    expect(await held(id)).toBe(1);
  });

  test('[SE2] participant and owner come back by their own right, the owner always as operator', async () => {
    const { id, ownerId } = await world.session();
    const member = user();
    await world.manager.addParticipant(id, member.userId, 'commenter');
    for (const person of [member, { userId: ownerId, username: 'Olga' }]) {
      await world.manager.leaveSession(id, person.userId);
      expect(await join(id, person)).toMatchObject({ role: person === member ? 'commenter' : 'operator' });
    }
  });

  test('[SE1] the owner’s role never drops by rejoining, whatever was written into their row', async () => {
    const { id, ownerId } = await world.session();
    await world.database.pool.query(`UPDATE session_participants SET role = 'viewer' WHERE session_id = $1`, [id]);
    expect(await join(id, { userId: ownerId, username: 'Olga' })).toMatchObject({ role: 'operator', activated: false });
  });

  test('[SE3] of fifty racing for the last slot exactly one gets it', async () => {
    const { id } = await world.session({ isPublic: true, maxParticipants: 2 });
    const codes = await Promise.all(Array.from({ length: 50 }, () => codeOf(join(id))));
    expect(codes.filter((code) => code === 'none')).toHaveLength(1);
    expect(codes.filter((code) => code === 'SESSION_FULL')).toHaveLength(49);
    expect(await held(id)).toBe(2);
  });

  test('[SE3] a rejoin never counts twice, however often and at once', async () => {
    const { id } = await world.session({ isPublic: true, maxParticipants: 2 });
    const person = user();
    const results = await Promise.all(Array.from({ length: 20 }, () => join(id, person)));
    expect(results.filter((result) => result.activated)).toHaveLength(1);
    expect(await held(id)).toBe(2);
    expect(await join(id, person)).toMatchObject({ activated: false });
  });

  test('[SE3] a slot that was given back is free, also the one of the owner', async () => {
    const { id, ownerId } = await world.session({ isPublic: true, maxParticipants: 1 });
    expect(await codeOf(join(id))).toBe('SESSION_FULL');
    await world.manager.leaveSession(id, ownerId);
    expect(await codeOf(join(id))).toBe('none');
    expect(await codeOf(join(id, { userId: ownerId, username: 'Olga' }))).toBe('SESSION_FULL');
  });

  test('[SE2] an ended session and an expired one let nobody in', async () => {
    const ended = await world.session({ isPublic: true });
    const expired = await world.session({ isPublic: true });
    await world.manager.endSession(ended.id);
    expect(await codeOf(join(ended.id))).toBe('SESSION_INACTIVE');
    world.pass(hour);
    expect(await codeOf(join(expired.id))).toBe('SESSION_INACTIVE');
  });

  test('makes the user known by the newest name', async () => {
    const { id } = await world.session({ isPublic: true });
    const person = user('Uwe');
    await join(id, person);
    await join(id, { ...person, username: 'Ulla\u0000 \ud800' });
    const { rows } = await world.database.pool.query('SELECT username FROM users WHERE id = $1', [person.userId]);
    expect(rows).toEqual([{ username: 'Ulla' }]);
  });
});

describe('leaveSession', () => {
  test('says how long the person held the slot, and the second time that they held none', async () => {
    const { id } = await world.session({ isPublic: true });
    const person = user();
    await join(id, person);
    world.pass(90_000);
    expect(await world.manager.leaveSession(id, person.userId)).toEqual({
      ...{ sessionId: id, wasActive: true, durationSeconds: 90 },
    });
    expect(await world.manager.leaveSession(id, person.userId)).toMatchObject({ wasActive: false, durationSeconds: 0 });
  });

  test('[PR8] that is written down late takes no slot from somebody who joined again meanwhile', async () => {
    const { id } = await world.session({ isPublic: true });
    const person = user();
    await join(id, person);
    const joinedUntil = world.now();
    world.pass(10);
    expect(await join(id, person)).toMatchObject({ activated: false });
    const leave = () => world.manager.leaveSession(id, person.userId, 'disconnected', { joinedUntil });
    expect(await leave()).toMatchObject({ wasActive: false });
    expect(await held(id)).toBe(2);
    const now = { joinedUntil: world.now() };
    expect(await world.manager.leaveSession(id, person.userId, 'disconnected', now)).toMatchObject({ wasActive: true });
  });
});
