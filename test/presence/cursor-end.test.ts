import type { Redis } from 'ioredis';
import { presenceKeys } from '../../lambdas/presence/keys.ts';
import { PresenceFixture } from '../support/presence.ts';
import { connectRedis } from '../support/redis.ts';

const [alice, bob] = ['00000000-0000-4000-8000-00000000000a', '00000000-0000-4000-8000-00000000000b'];
let redis: Redis;
let room: PresenceFixture;

beforeAll(() => {
  redis = connectRedis();
});
afterAll(() => redis.quit());
beforeEach(async () => {
  room = new PresenceFixture(redis);
  await room.enter(bob, 'b1');
  await room.enter(alice, 'a1');
});

const endCursor = (kind: 'cursor' | 'update' | 'heartbeat' = 'cursor') =>
  room.store.touch(room.seat(alice, 'a1'), { kind, cursor: null }, room.now);
const cursorOf = async () => (await room.users()).find(({ userId }) => userId === alice)?.cursor;

test.each(['cursor', 'update', 'heartbeat'] as const)(
  '[PR19] a frame of kind %s with the cursor null ends the cursor',
  async (kind) => {
    await room.cursor(alice, 'a1', 1);
    room.pass(1);
    const ended = await endCursor(kind);
    expect(ended).toMatchObject({ updates: [{ userId: alice, cursor: null, lastActive: room.now }], batch: undefined });
    expect(ended?.receivers.map(({ connectionId }) => connectionId).sort()).toEqual(['a1', 'b1']);
    expect(await cursorOf()).toBeUndefined();
    const record = await redis.get(presenceKeys.record(room.sessionId, alice));
    expect(JSON.parse(record!)).not.toHaveProperty('cursor');
  },
);

test('[PR19] a cursor of null changes nothing if the user has no cursor', async () => {
  const ended = await endCursor();
  expect(ended).toMatchObject({ updates: [], receivers: [] });
});

test('[PR19] the end of a cursor has a later time than the cursor, even within one millisecond', async () => {
  await room.cursor(alice, 'a1', 1);
  const ended = await endCursor();
  expect(ended?.updates).toEqual([{ userId: alice, cursor: null, lastActive: room.now + 1 }]);
});

test('[PR19] a cursor that waits for the end of a window is not sent after its end', async () => {
  await room.cursor(alice, 'a1', 1);
  const waiting = await room.cursor(alice, 'a1', 2);
  expect(waiting?.promise).toBeDefined();
  await endCursor();
  const flushed = await room.store.flush(room.sessionId, waiting!.promise!.endsAt, waiting!.promise!.endsAt);
  expect(flushed.batch).toBeUndefined();
  // The session lost nothing: if a waiting cursor were missing, a new epoch would begin.
  expect(flushed.epoch).toBe(waiting!.epoch);
});

test('[PR19] receivers of the compact form get the next cursor as a whole object', async () => {
  await room.cursor(alice, 'a1', 1);
  await endCursor();
  room.pass(1);
  const next = await room.cursor(alice, 'a1', 2);
  expect(next?.batch?.cursors).toMatchObject([{ cursor: { position: 2 }, whole: true }]);
});

test('[PR19] [PR5] if an invisible user ends their cursor, others are told when the user is visible again', async () => {
  await room.cursor(alice, 'a1', 1);
  await room.update(alice, 'a1', { status: 'offline' });
  expect((await endCursor())?.updates).toEqual([]);
  expect((await room.heartbeat(alice, 'a1'))?.updates).toEqual([]);
  const seen = await room.update(alice, 'a1', { status: 'online' });
  expect(seen).toMatchObject({ updates: [{ userId: alice, status: 'online', cursor: null }], batch: undefined });
  expect((await room.heartbeat(alice, 'a1'))?.updates).toEqual([]);
});

test('[PR19] [PR5] the end of a cursor does not change a chosen status of away', async () => {
  await room.cursor(alice, 'a1', 1);
  await room.update(alice, 'a1', { status: 'away' });
  await endCursor();
  expect(await room.statusOf(alice)).toBe('away');
});
