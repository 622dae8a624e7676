import type { Redis } from 'ioredis';
import { answered, noteReturn } from '../../lambdas/platform/redis-failure.ts';
import { PresenceFixture } from '../support/presence.ts';
import { connectRedis } from '../support/redis.ts';

const [alice, bob] = ['00000000-0000-4000-8000-00000000000a', '00000000-0000-4000-8000-00000000000b'];
let redis: Redis;
let room: PresenceFixture;

beforeEach(async () => {
  redis = connectRedis();
  room = new PresenceFixture(redis);
  await room.enter(alice, 'a1');
  await room.enter(bob, 'b1');
});
afterEach(() => redis.quit());

/** This environment finds Redis away for a moment, and then there again. */
async function outage(): Promise<void> {
  const failure = answered(redis, () => Promise.reject(new Error('connect ECONNREFUSED')));
  await expect(failure).rejects.toMatchObject({ code: 'UNAVAILABLE' });
  noteReturn(redis);
}

const looks = {
  'a list': () => room.store.list(room.sessionId, room.now),
  'a coming': () => room.enter(bob, 'b2'),
  'a going': () => room.store.depart(room.seat(bob, 'b1'), 'left', room.now),
  'a visit': () => room.visit(),
};

describe.each(Object.entries(looks))(
  'after Redis was away, before the sweep brought the session back, %s',
  (_, look) => {
    test('[FA1] does not end a grace: another tab may have joined where Redis could not hear of it', async () => {
      await room.close(alice, 'a1', 5000);
      await outage();
      room.pass(6);
      expect((await look())?.leaves.filter(({ userId }) => userId === alice)).toEqual([]);
    });

    test('[FA1] does not end who was silent: their frames had nowhere to go', async () => {
      await outage();
      room.pass(61);
      expect((await look())?.leaves.filter(({ userId }) => userId === alice)).toEqual([]);
    });
  },
);

describe.each(Object.entries(looks))('where Redis was there all the time, %s', (_, look) => {
  test('[PR7] ends a grace', async () => {
    await room.close(alice, 'a1', 5000);
    room.pass(6);
    const own = (await look())?.leaves.filter(({ userId }) => userId === alice);
    expect(own).toMatchObject([{ cause: 'disconnected' }]);
  });
});

test('[FA1] [PR6] after Redis was away a list shows nobody as offline whose frames had nowhere to go', async () => {
  const quick = new PresenceFixture(redis, { AWAY_AFTER_SECONDS: '70' });
  const statuses = async () => (await quick.users()).map(({ status }) => status);
  await quick.enter(alice, 'a1');
  await outage();
  quick.pass(61);
  expect(await statuses()).toEqual(['online']);
  quick.pass(10);
  expect(await statuses()).toEqual(['away']);
});

test('[FA1] [PR12] a user within the outage allowance is due again at once', async () => {
  await room.close(alice, 'a1', 5000);
  await outage();
  room.pass(6);
  expect((await room.visit()).nextDeadline).toBeLessThanOrEqual(room.now);
});
