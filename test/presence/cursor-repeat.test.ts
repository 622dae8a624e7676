import type { Redis } from 'ioredis';
import { presenceKeys } from '../../lambdas/presence/keys.ts';
import type { TouchOutcome } from '../../lambdas/presence/outcome.ts';
import type { Touch } from '../../lambdas/presence/seat.ts';
import { PresenceFixture } from '../support/presence.ts';
import { connectRedis } from '../support/redis.ts';

const [alice, bob] = ['00000000-0000-4000-8000-00000000000a', '00000000-0000-4000-8000-00000000000b'];
const cursor = { eventId: 'e', position: 1 };
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

const touch = (said: Touch) => room.store.touch(room.seat(alice, 'a1'), said, room.now);
const postsFailed = (movers: string[]) =>
  room.store.noteFailedPosts(room.sessionId, { isThrottled: false, movers }, room.now);
const sent = (outcome: TouchOutcome | undefined) =>
  outcome?.batch?.cursors.map(({ userId, cursor }) => [userId, cursor]);

test.each<Touch>([
  { kind: 'heartbeat', idle: true },
  { kind: 'heartbeat', cursor },
  { kind: 'update', activity: 'reading' },
])('[DE6] a cursor whose posts failed is sent again with the next frame of its user: %j', async (frame) => {
  await touch({ kind: 'cursor', cursor });
  const { lastActive } = (await room.users()).find(({ userId }) => userId === alice)!;
  await postsFailed([alice]);
  room.pass(25);
  const outcome = await touch(frame);
  expect(sent(outcome)).toEqual([[alice, cursor]]);
  // A receiver of the compact form may lack everything, and the time is that of the cursor or a later one.
  expect(outcome?.batch?.cursors[0]?.whole).toBe(true);
  expect(outcome?.batch?.cursors[0]?.at).toBe(frame.idle ? lastActive : room.now);
  room.pass(25);
  expect((await touch({ kind: 'heartbeat', idle: true }))?.batch).toBeUndefined();
});

test('[DE6] a heartbeat sends no cursor whose posts did not fail', async () => {
  await touch({ kind: 'cursor', cursor });
  await postsFailed([bob]);
  room.pass(25);
  expect((await touch({ kind: 'heartbeat', idle: true }))?.batch).toBeUndefined();
  room.pass(25);
  expect((await touch({ kind: 'heartbeat', cursor }))?.batch).toBeUndefined();
});

test('[DE6] [PR19] a cursor whose posts failed is not sent again after its end', async () => {
  await touch({ kind: 'cursor', cursor });
  await postsFailed([alice]);
  room.pass(1);
  await touch({ kind: 'cursor', cursor: null });
  room.pass(25);
  expect((await touch({ kind: 'heartbeat', idle: true }))?.batch).toBeUndefined();
});

test('[DE6] if Redis has evicted the window when posts fail, every client asks for a snapshot', async () => {
  const before = await touch({ kind: 'cursor', cursor });
  await redis.del(presenceKeys.window(room.sessionId));
  await postsFailed([alice]);
  expect((await touch({ kind: 'heartbeat', idle: true }))?.epoch).not.toBe(before?.epoch);
});

test.each(['cursor', 'update'] as const)(
  '[FA1] a frame of kind %s that repeats its cursor after a pause sends it again, and without a pause it does not',
  async (kind) => {
    await touch({ kind: 'cursor', cursor });
    room.pass(0.5);
    expect((await touch({ kind, cursor }))?.batch).toBeUndefined();
    room.pass(2);
    expect(sent(await touch({ kind, cursor }))).toEqual([[alice, cursor]]);
  },
);
