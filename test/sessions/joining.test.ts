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
  test('gives the owner the first slot as operator, and the session a name with the day', async () => {
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

  test('creates a session that is found by its UUID and by its name', async () => {
    const { id } = await world.session();
    const session = await world.manager.getSession(id);
    expect(await world.manager.getSession(session.sessionId)).toEqual(session);
    expect(await world.manager.resolveSessionId(session.sessionId)).toBe(id);
  });
});

describe('joinSession', () => {
  test.each([
    ['an unknown UUID', randomUUID()],
    ['an unknown name', 'SESSION-20260101-ABCDEFGHJKMN'],
    ['a text that is neither', "'; DROP TABLE users; --"],
    ['a character that PostgreSQL cannot store', 'SESSION-\u0000'],
  ])('[SE5] %s is answered with SESSION_NOT_FOUND and not as expired', async (_, reference) => {
    expect(await codeOf(join(reference))).toBe('SESSION_NOT_FOUND');
  });

  test('[SE2] a new user needs an invite to a session that is not public', async () => {
    const { id } = await world.session();
    const open = await world.session({ isPublic: true });
    expect(await codeOf(join(id))).toBe('SESSION_NOT_FOUND');
    expect(await join(open.id)).toMatchObject({ role: 'viewer', activated: true });
    expect(await held(id)).toBe(1);
  });

  test('[SE2] participants and the owner can rejoin without an invite, the owner always as operator', async () => {
    const { id, ownerId } = await world.session();
    const member = user();
    await world.manager.addParticipant(id, member.userId, 'commenter');
    for (const person of [member, { userId: ownerId, username: 'Olga' }]) {
      await world.manager.leaveSession(id, person.userId);
      expect(await join(id, person)).toMatchObject({ role: person === member ? 'commenter' : 'operator' });
    }
  });

  test('[SE1] the owner keeps their role at a rejoin, whatever role their row has', async () => {
    const { id, ownerId } = await world.session();
    await world.database.pool.query(`UPDATE session_participants SET role = 'viewer' WHERE session_id = $1`, [id]);
    expect(await join(id, { userId: ownerId, username: 'Olga' })).toMatchObject({ role: 'operator', activated: false });
  });

  test('[SE3] if fifty users join at the same time, exactly one gets the last slot', async () => {
    const { id } = await world.session({ isPublic: true, maxParticipants: 2 });
    const codes = await Promise.all(Array.from({ length: 50 }, () => codeOf(join(id))));
    expect(codes.filter((code) => code === 'none')).toHaveLength(1);
    expect(codes.filter((code) => code === 'SESSION_FULL')).toHaveLength(49);
    expect(await held(id)).toBe(2);
  });

  test('[SE3] rejoins do not take a second slot, even if many run at the same time', async () => {
    const { id } = await world.session({ isPublic: true, maxParticipants: 2 });
    const person = user();
    const results = await Promise.all(Array.from({ length: 20 }, () => join(id, person)));
    expect(results.filter((result) => result.activated)).toHaveLength(1);
    expect(await held(id)).toBe(2);
    expect(await join(id, person)).toMatchObject({ activated: false });
  });

  test('[SE3] a slot that was given back is free, even the slot of the owner', async () => {
    const { id, ownerId } = await world.session({ isPublic: true, maxParticipants: 1 });
    expect(await codeOf(join(id))).toBe('SESSION_FULL');
    await world.manager.leaveSession(id, ownerId);
    expect(await codeOf(join(id))).toBe('none');
    expect(await codeOf(join(id, { userId: ownerId, username: 'Olga' }))).toBe('SESSION_FULL');
  });

  test('[SE2] an ended session and an expired one refuse all joins', async () => {
    const ended = await world.session({ isPublic: true });
    const expired = await world.session({ isPublic: true });
    await world.manager.endSession(ended.id);
    expect(await codeOf(join(ended.id))).toBe('SESSION_INACTIVE');
    world.pass(hour);
    expect(await codeOf(join(expired.id))).toBe('SESSION_INACTIVE');
  });

  test('stores the newest name of the user', async () => {
    const { id } = await world.session({ isPublic: true });
    const person = user('Uwe');
    await join(id, person);
    await join(id, { ...person, username: 'Ulla\u0000 \ud800' });
    const { rows } = await world.database.pool.query('SELECT username FROM users WHERE id = $1', [person.userId]);
    expect(rows).toEqual([{ username: 'Ulla' }]);
  });
});

describe('leaveSession', () => {
  test('returns how long the user held the slot, and at the second call that they held none', async () => {
    const { id } = await world.session({ isPublic: true });
    const person = user();
    await join(id, person);
    world.pass(90_000);
    expect(await world.manager.leaveSession(id, person.userId)).toEqual({
      ...{ sessionId: id, wasActive: true, durationSeconds: 90 },
    });
    expect(await world.manager.leaveSession(id, person.userId)).toMatchObject({ wasActive: false, durationSeconds: 0 });
  });

  test('[PR8] that is recorded late does not release the slot of a user who has joined again', async () => {
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
