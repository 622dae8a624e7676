import type { Redis } from 'ioredis';
import { isBehind } from '../../../lambdas/flows/frames/resync.ts';
import { diffTravelMillis } from '../../../protocol/timings.ts';
import { PresenceFixture } from '../../support/presence.ts';
import { connectRedis } from '../../support/redis.ts';

const [ada, bob, cyd] = ['ada', 'bob', 'cyd'];
let redis: Redis;
let room: PresenceFixture;

beforeAll(() => {
  redis = connectRedis();
});
afterAll(() => redis.quit());

/** Three users, of whom the last has just joined. @returns the state that the first one applied before that join. */
async function lateJoin() {
  room = new PresenceFixture(redis);
  await room.enter(ada, 'a1');
  const { epoch, seq } = await room.enter(bob, 'b1');
  await room.enter(cyd, 'c1');
  return { epoch, seq };
}

async function isBehindNow(applied: { epoch: string; seq: number }): Promise<boolean> {
  return isBehind(applied, (await room.heartbeat(ada, 'a1'))!, room.now);
}

test('[DE4] a client does not count as behind because of a diff that was numbered a moment ago', async () => {
  const applied = await lateJoin();
  room.now += diffTravelMillis - 1;
  expect(await isBehindNow(applied)).toBe(false);
});

test('[DE4] a client that has not applied the last diff in time is behind', async () => {
  const applied = await lateJoin();
  room.now += diffTravelMillis;
  expect(await isBehindNow(applied)).toBe(true);
  expect(await isBehindNow({ ...applied, seq: applied.seq + 1 })).toBe(false);
});

test('[DE4] a client does not count as behind because of a diff that its own heartbeat causes', async () => {
  const applied = await lateJoin();
  room.pass(room.timings.awayAfterMillis / 1000 - 1);
  for (const [user, tab] of [
    ['bob', 'b1'],
    ['cyd', 'c1'],
  ] as const)
    await room.heartbeat(user, tab);
  const before = { ...applied, seq: applied.seq + 1 };
  room.pass(2);
  const own = (await room.store.touch(room.seat(ada, 'a1'), { kind: 'heartbeat', idle: true }, room.now))!;
  expect(own.updates).toMatchObject([{ userId: ada, status: 'away' }]);
  expect(isBehind(before, own, room.now)).toBe(false);
});

test('[DE4] a client of another epoch is behind at once', async () => {
  const applied = await lateJoin();
  expect(await isBehindNow({ ...applied, epoch: 'another' })).toBe(true);
});
