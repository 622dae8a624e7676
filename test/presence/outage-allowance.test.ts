import type { Redis } from 'ioredis';
import { answered, noteReturn } from '../../lambdas/platform/redis-failure.ts';
import { presenceKeys } from '../../lambdas/presence/keys.ts';
import type { PresenceOutcome } from '../../lambdas/presence/outcome.ts';
import { PresenceFixture } from '../support/presence.ts';
import { connectRedis, redisUrl } from '../support/redis.ts';

const [alice, bob] = ['00000000-0000-4000-8000-00000000000a', '00000000-0000-4000-8000-00000000000b'];
let redis: Redis;
let room: PresenceFixture;

beforeEach(async () => {
  redis = connectRedis(redisUrl(10));
  room = new PresenceFixture(redis);
  await room.enter(alice, 'a1');
  await room.enter(bob, 'b1');
});
afterEach(() => redis.quit());

/** Lets this environment notice that Redis is away, and then that it is back. */
async function outage(): Promise<void> {
  const failure = answered(redis, () => Promise.reject(new Error('connect ECONNREFUSED')));
  await expect(failure).rejects.toMatchObject({ code: 'UNAVAILABLE' });
  noteReturn(redis);
}

const actions = {
  'a list': () => room.store.list(room.sessionId, room.now),
  'a join': () => room.enter(bob, 'b2'),
  'a leave': () => room.store.depart(room.seat(bob, 'b1'), 'left', room.now),
  'a visit': () => room.visit(),
};

describe.each(Object.entries(actions))(
  'after an outage of Redis, before the sweep restored the session, %s',
  (_, act) => {
    test('[FA1] ends no grace, because another tab may have joined during the outage', async () => {
      await room.close(alice, 'a1', 5000);
      await outage();
      room.pass(6);
      expect((await act())?.leaves.filter(({ userId }) => userId === alice)).toEqual([]);
    });

    test('[FA1] times out no user, because Redis could not receive their frames', async () => {
      await outage();
      room.pass(61);
      expect((await act())?.leaves.filter(({ userId }) => userId === alice)).toEqual([]);
    });
  },
);

describe('after an outage of Redis that this environment did not see', () => {
  const pulse = (millisAgo: number) => redis.zadd(presenceKeys.sweepPulse, Date.now() - millisAgo, 'round');
  /** How often the environment asked when a sweep last completed a round. */
  let asked: jest.SpyInstance;

  beforeEach(() => {
    asked = jest.spyOn(redis, 'zrange');
    jest.useFakeTimers({ doNotFake: ['setTimeout', 'setImmediate', 'nextTick', 'clearTimeout'] });
  });
  afterEach(async () => {
    jest.useRealTimers();
    await redis.del(presenceKeys.sweepPulse);
  });

  const pass = (seconds: number) => {
    jest.setSystemTime(Date.now() + seconds * 1000);
    room.pass(seconds);
  };
  const leavesOf = async (act: () => Promise<PresenceOutcome | undefined>) =>
    (await act())?.leaves.map(({ userId }) => userId) ?? [];

  test.each(Object.entries(actions))(
    '[FA1] no call times out a user until a sweep restored the session: %s',
    async (_, act) => {
      await pulse(0);
      pass(61);
      for (let call = 0; call < 3; call += 1) expect(await leavesOf(act)).not.toContain(alice);
      await pulse(0);
      expect(await leavesOf(actions['a visit'])).toContain(alice);
    },
  );

  test('[FA1] [PR12] after the time of a timeout without an outage, users time out although no sweep runs', async () => {
    await pulse(0);
    pass(61);
    for (let minute = 0; minute < 3; minute += 1) {
      expect(await leavesOf(actions['a visit'])).not.toContain(alice);
      pass(20);
    }
    expect(await leavesOf(actions['a visit'])).toContain(alice);
  });

  test('[PR14] an environment that knows that sweeps run asks only after a pause', async () => {
    const asks = () => asked.mock.calls.filter(([key]) => key === presenceKeys.sweepPulse).length;
    await pulse(0);
    await room.visit();
    const first = asks();
    for (let call = 0; call < 5; call += 1) {
      pass(20);
      await room.visit();
    }
    expect(asks()).toBe(first);
    pass(31);
    await pulse(0);
    await room.visit();
    expect(asks()).toBe(first + 1);
  });
});

describe.each(Object.entries(actions))('without an outage of Redis, %s', (_, act) => {
  test('[PR7] ends an expired grace', async () => {
    await room.close(alice, 'a1', 5000);
    room.pass(6);
    const own = (await act())?.leaves.filter(({ userId }) => userId === alice);
    expect(own).toMatchObject([{ cause: 'disconnected' }]);
  });
});

test('[FA1] [PR6] after an outage of Redis, a list shows no user as offline whose frames Redis could not receive', async () => {
  const quick = new PresenceFixture(redis, { AWAY_AFTER_SECONDS: '70' });
  const statuses = async () => (await quick.users()).map(({ status }) => status);
  await quick.enter(alice, 'a1');
  await outage();
  quick.pass(61);
  expect(await statuses()).toEqual(['online']);
  quick.pass(10);
  expect(await statuses()).toEqual(['away']);
});

test('[FA1] [PR12] a session with a user within the outage allowance is due again at once', async () => {
  await room.close(alice, 'a1', 5000);
  await outage();
  room.pass(6);
  expect((await room.visit()).nextDeadline).toBeLessThanOrEqual(room.now);
});
