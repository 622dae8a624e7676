import { presenceKeys } from '../../lambdas/presence/keys.ts';
import { PresenceFixture } from '../support/presence.ts';
import { everybody, ownRedis, RecordedRoom, testPathsAreEqual } from './fast-path-tests.ts';

const server = ownRedis();

testPathsAreEqual(server, [[6, 1]]);

test('nearly all cursors of a busy session take the fast path', async () => {
  const redis = server.connect();
  const room = new PresenceFixture(redis);
  for (const user of everybody) await room.enter(user, `${user}-a`);
  for (let index = 0; index < 12; index += 1) {
    room.pass(0.002);
    await room.cursor(everybody[index % 6]!, `${everybody[index % 6]}-a`, index);
  }
  const general = async () => Number(/cmdstat_hexists:calls=(\d+)/.exec(await redis.info('commandstats'))?.[1] ?? 0);
  const before = await general();
  for (let index = 12; index < 36; index += 1) {
    room.pass(0.002);
    await room.cursor(everybody[index % 6]!, `${everybody[index % 6]}-a`, index);
  }
  expect((await general()) - before).toBe(0);
});

test('a user who has become alone in the session waits for no window', async () => {
  const redis = server.connect();
  const room = new PresenceFixture(redis);
  for (const user of ['ada', 'bob']) await room.enter(user, `${user}-a`);
  for (const [index, user] of ['ada', 'ada', 'bob', 'ada'].entries()) await room.cursor(user, `${user}-a`, index);
  await room.store.depart(room.seat('bob', 'bob-a'), 'left', room.now);
  await room.cursor('ada', 'ada-a', 99);
  expect(await redis.hget(presenceKeys.pending(room.sessionId), 'ada')).toContain('"position":3}');
});

test('[DE3] a cursor with the reply "unknown" is not counted, so the repeated cursor counts once', async () => {
  const room = new RecordedRoom(server.connect(), server.connect());
  await room.enter('ada', 'ada-a');
  const move = (position: number) =>
    room.store.touch(room.seat('ada', 'ada-a'), { kind: 'cursor', cursor: { eventId: 'e', position } }, room.now);
  await move(1);
  room.now += 1000;
  await room.redis.zrem(presenceKeys.users(room.sessionId), 'ada');
  const before = await room.redis.hgetall(presenceKeys.rates(room.sessionId));
  room.now += 1000;
  expect(await move(2)).toBeUndefined();
  expect(await room.redis.hgetall(presenceKeys.rates(room.sessionId))).toEqual(before);
});
