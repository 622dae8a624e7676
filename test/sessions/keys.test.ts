import { randomUUID } from 'node:crypto';
import { SessionCleanupService } from '../../lambdas/sessions/session-cleanup-service.ts';
import { hour, minute, type SessionWorld, sessionWorld, user } from './support.ts';

let world: SessionWorld;
beforeAll(async () => {
  world = await sessionWorld({ MAX_PARTICIPANTS: '100' });
});
afterAll(() => world.close());

const open = (key: string, owner = user('Olga'), metadata = {}) =>
  world.keys.open({ key, metadata, isPublic: true, owner });
const cleanUp = () =>
  new SessionCleanupService({ database: world.database.pool, timings: world.timings, clock: world.now }).runCleanup();

test('[SE11] the first opening creates the session with its owner in it, and later ones find it', async () => {
  const key = `doc ${randomUUID()}`;
  const olga = user('Olga');
  const { id, created } = await open(key, olga, { target: 't', isPublic: false });
  expect(created).toBe(true);
  expect(await world.manager.getSession(id)).toMatchObject({
    ...{ key, operationId: key, ownerId: olga.userId, status: 'active', target: 't', isPublic: false },
    maxParticipants: 100,
  });
  expect(await world.manager.getParticipants(id)).toMatchObject([{ userId: olga.userId, role: 'operator' }]);
  expect(await open(key, user('Paul'))).toEqual({ id, created: false });
  expect(await world.keys.live(key)).toBe(id);
  expect(await world.keys.live('another')).toBeUndefined();
});

test('[SE11] if fifty users open a key at the same time, one creates the session and all get it', async () => {
  for (let round = 0; round < 5; round += 1) {
    const key = randomUUID();
    const openings = await Promise.all(Array.from({ length: 50 }, (_, index) => open(key, user(`Person ${index}`))));
    expect(new Set(openings.map(({ id }) => id)).size).toBe(1);
    expect(openings.filter(({ created }) => created)).toHaveLength(1);
    const { rows } = await world.database.pool.query('SELECT 1 FROM collaboration_sessions WHERE key = $1', [key]);
    expect(rows).toHaveLength(1);
  }
});

test('[SE11] after a session ended or expired, an opening creates a new one, even before the cleanup ran', async () => {
  const key = randomUUID();
  const first = await open(key);
  await world.manager.endSession(first.id);
  const second = await open(key);
  world.pass(hour);
  expect(await world.keys.live(key)).toBeUndefined();
  const third = await open(key);
  expect([second.created, third.created, new Set([first.id, second.id, third.id]).size]).toEqual([true, true, 3]);
  expect(await world.manager.getSession(second.id)).toMatchObject({ status: 'expired', active: false });
  expect(await world.manager.getParticipants(second.id)).toEqual([]);
  // The cleanup still announces the expiry that the opening found.
  const { rows } = await world.database.pool.query(
    'SELECT expiry_announced_at FROM collaboration_sessions WHERE id = $1',
    [second.id],
  );
  expect(rows).toEqual([{ expiry_announced_at: null }]);
});

test('[SE11] an expired session cannot be recovered if its key has a later live session', async () => {
  const key = randomUUID();
  const olga = user('Olga');
  const { id } = await open(key, olga);
  world.pass(hour);
  const next = await open(key, user('Paul'));
  await expect(world.manager.recoverSession(id, olga)).rejects.toMatchObject({
    code: 'SESSION_INACTIVE',
    message: expect.stringContaining('open the key'),
  });
  await world.manager.endSession(next.id);
  expect((await world.manager.recoverSession(id, olga)).session).toMatchObject({ id, status: 'active', key });
});

test('[SE11] of a recovery and an opening at the same time one succeeds, without other errors', async () => {
  for (let round = 0; round < 10; round += 1) {
    const key = randomUUID();
    const olga = user('Olga');
    const { id } = await open(key, olga);
    world.pass(hour + minute);
    await cleanUp();
    const [opened, recovered] = await Promise.all([
      open(key, user('Paul')),
      world.manager.recoverSession(id, olga).catch((error) => error.code),
    ]);
    const isRecovered = recovered !== 'SESSION_INACTIVE';
    expect(opened).toEqual(isRecovered ? { id, created: false } : { id: expect.not.stringMatching(id), created: true });
    expect(await world.keys.live(key)).toBe(opened.id);
  }
});

test('[SE11] the sessions of a key are listed for users who may see them, newest first, in pages', async () => {
  const key = randomUUID();
  const [olga, paul, eve] = [user('Olga'), user('Paul'), user('Eve')];
  const ids: string[] = [];
  for (const metadata of [{ isPublic: false }, {}, { isPublic: false }]) {
    const { id } = await open(key, olga, metadata);
    ids.unshift(id);
    world.pass(minute);
    if (ids.length < 3) await world.manager.endSession(id);
  }
  await world.manager.addParticipant(ids[0]!, paul.userId, 'viewer', paul);
  const listed = async (userId: string) => (await world.keys.list(key, { userId })).items.map(({ id }) => id);
  expect(await listed(olga.userId)).toEqual(ids);
  expect(await listed(paul.userId)).toEqual(ids.slice(0, 2));
  expect(await listed(eve.userId)).toEqual([ids[1]]);
  await world.manager.removeParticipant(ids[0]!, paul.userId);
  expect(await listed(paul.userId)).toEqual([ids[1]]);
  const page = await world.keys.list(key, olga, { limit: 2 });
  const rest = await world.keys.list(key, olga, { limit: 2, before: page.next });
  expect([...page.items, ...rest.items].map(({ id }) => id)).toEqual(ids);
  expect(rest.next).toBeUndefined();
});

test('[SE11] [SE6] the audit trail of a key contains the sessions that the user may read, and purged ones only for their owner', async () => {
  const key = randomUUID();
  const [olga, paul] = [user('Olga'), user('Paul')];
  const { id: old } = await open(key, olga);
  await world.manager.endSession(old);
  world.pass(25 * hour);
  await cleanUp();
  const { id } = await open(key, olga, { visibility: { activity: 'commenter' } });
  const read = async (userId: string) => (await world.keys.audited(key, { userId })).map((one) => one.id).sort();
  expect(await read(olga.userId)).toEqual([old, id].sort());
  expect(await read(paul.userId)).toEqual([]);
  await world.manager.addParticipant(id, paul.userId, 'commenter', paul);
  expect(await read(paul.userId)).toEqual([id]);
});
