import { randomUUID } from 'node:crypto';
import type { QueryConfig } from 'pg';
import { newSessionName, parseSessionReference } from '../../lambdas/sessions/session-reference.ts';
import { codeOf, type SessionWorld, sessionWorld, user } from './support.ts';

let world: SessionWorld;
beforeAll(async () => {
  world = await sessionWorld();
});
afterAll(() => world.close());

const create = (operationId: unknown, metadata?: unknown, ownerId: unknown = randomUUID()) =>
  codeOf(
    world.manager.createSession(ownerId as string, operationId as string, metadata as never, { username: 'Olga' }),
  );

describe('createSession refuses', () => {
  test.each<[string, unknown, unknown, string]>([
    ['an empty operationId', ' ', {}, 'INVALID_MESSAGE'],
    ['an operationId that is no text', 7, {}, 'INVALID_MESSAGE'],
    ['an operationId of 256 characters', 'x'.repeat(256), {}, 'TOO_LARGE'],
    ['an operationId with U+0000', 'a\u0000b', {}, 'INVALID_MESSAGE'],
    ['metadata that is no object', 'op', [], 'INVALID_MESSAGE'],
    ['metadata over 8 KB', 'op', { text: 'x'.repeat(8200) }, 'TOO_LARGE'],
    ['metadata with U+0000', 'op', { title: 'a\u0000' }, 'INVALID_MESSAGE'],
    ['metadata with half a surrogate pair', 'op', { deep: [{ text: '\ud800' }] }, 'INVALID_MESSAGE'],
    ['a key with half a surrogate pair', 'op', { 'k\udfff': 1 }, 'INVALID_MESSAGE'],
    ['a target over 500 characters', 'op', { target: 'x'.repeat(501) }, 'TOO_LARGE'],
    ['zero slots', 'op', { maxParticipants: 0 }, 'INVALID_MESSAGE'],
    ['more than 1,000 slots', 'op', { maxParticipants: 1001 }, 'INVALID_MESSAGE'],
    ['half a slot', 'op', { maxParticipants: 1.5 }, 'INVALID_MESSAGE'],
    ['a visibility that is no role', 'op', { visibility: { cursors: 'owner' } }, 'INVALID_MESSAGE'],
    ['isPublic that is no boolean', 'op', { isPublic: 'yes' }, 'INVALID_MESSAGE'],
  ])('%s', async (_, operationId, metadata, code) => {
    expect(await create(operationId, metadata)).toBe(code);
  });

  test.each([['x'], [''], [undefined], [`${randomUUID()}'`]])('the owner id %j', async (ownerId) => {
    expect(await create('op', {}, ownerId ?? null)).toBe('INVALID_MESSAGE');
  });
});

describe('createSession accepts', () => {
  test('values at their limits, and returns free fields unchanged', async () => {
    const metadata = {
      ...{ title: 'Ünïcödé 😀 \\ud800', target: 'x'.repeat(500), objective: 'Find out', isPublic: true },
      ...{ maxParticipants: 1000, visibility: { cursors: 'operator' as const }, nested: { list: [1, null, 'two'] } },
    };
    const session = await world.manager.createSession(randomUUID(), 'o'.repeat(255), metadata, { username: 'Olga' });
    expect(session.metadata).toEqual(metadata);
    expect(session).toMatchObject({
      target: metadata.target,
      objective: 'Find out',
      isPublic: true,
      maxParticipants: 1000,
    });
    expect(await world.manager.getSession(session.id)).toEqual(session);
  });

  test('three arguments: a known user keeps their name, and an unknown user gets one', async () => {
    const owner = user('Olga');
    await world.manager.createSession(owner.userId, 'op', {}, owner);
    const again = await world.manager.createSession(owner.userId, 'op');
    expect((await world.manager.getParticipants(again.id))[0]).toMatchObject({ name: 'Olga' });
    const unknown = randomUUID();
    const { id } = await world.manager.createSession(unknown, 'op');
    expect((await world.manager.getParticipants(id))[0]).toMatchObject({ name: `User ${unknown.slice(0, 8)}` });
  });
});

describe('each other method', () => {
  test.each(['x', '', randomUUID().slice(1)])('refuses the user id %j without a query', async (userId) => {
    const { id, ownerId } = await world.session({ isPublic: true });
    const { manager } = world;
    const person = { userId, username: 'x' };
    const works: Promise<unknown>[] = [
      manager.joinSession({ sessionRef: id, person }),
      manager.joinSession({ sessionRef: id, person: { anonymousId: userId, name: 'x' } }),
      manager.addParticipant(id, userId),
      manager.leaveSession(id, userId),
      manager.removeParticipant(id, userId),
      manager.setRole(id, { userId: ownerId }, userId, 'viewer'),
      manager.hasPermission(id, { userId }, 'view'),
      manager.authorize(id, { userId }, 'view'),
      manager.listSessionsOf({ userId }),
      world.invites.revokeInvite(id, { userId: ownerId }, userId),
    ];
    expect(new Set(await Promise.all(works.map(codeOf)))).toEqual(new Set(['INVALID_MESSAGE']));
  });

  test.each([randomUUID(), 'SESSION-20260101-ABCDEFGHJKMN', 'nonsense', ''])('does not find %j', async (reference) => {
    const { manager } = world;
    const someone = randomUUID();
    const works: Promise<unknown>[] = [
      manager.getSession(reference),
      manager.removeParticipant(reference, someone),
      manager.setRole(reference, { userId: someone }, randomUUID(), 'viewer'),
      manager.endSession(reference, { asker: { userId: someone } }),
      manager.recoverSession(reference, { userId: someone }),
      manager.getOwner(reference),
      manager.addParticipant(reference, someone),
    ];
    expect(new Set(await Promise.all(works.map(codeOf)))).toEqual(new Set(['SESSION_NOT_FOUND']));
  });
});

describe('a session name', () => {
  test('has the day (UTC) and 12 random characters, and can be used as a reference', () => {
    const names = Array.from({ length: 1000 }, () => newSessionName(Date.UTC(2026, 10, 21, 23, 59)));
    expect(new Set(names).size).toBe(1000);
    for (const name of names) {
      expect(name).toMatch(/^SESSION-20261121-[2-9A-HJKMNP-TV-Z]{12}$/);
      expect(parseSessionReference(name)).toEqual({ name });
    }
  });

  test('that already exists is replaced by another one', async () => {
    const taken = (await world.manager.createSession(randomUUID(), 'op')).sessionId;
    const query = world.database.pool.query.bind(world.database.pool);
    const given: string[] = [];
    jest.spyOn(world.database.pool, 'query').mockImplementation(((config: { name: string; values: unknown[] }) => {
      given.push(config.values[4] as string);
      return query({
        ...config,
        values: given.length < 3 ? config.values.with(4, taken) : config.values,
      } as QueryConfig);
    }) as never);
    const session = await world.manager.createSession(randomUUID(), 'op');
    jest.restoreAllMocks();
    expect(given).toHaveLength(3);
    expect(session.sessionId).toBe(given[2]);
  });

  test('can also be a UUID in upper or lower case', () => {
    const id = randomUUID();
    expect(parseSessionReference(id.toUpperCase())).toEqual({ id });
  });
});
