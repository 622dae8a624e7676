import type { Redis } from 'ioredis';
import { answered, noteReturn, unseenMillis } from '../../lambdas/presence/redis-failure.ts';

const offlineMillis = 60_000;
const call = jest.fn(async () => 'PONG');
let redis: Redis;

beforeEach(() => {
  jest.useFakeTimers({ now: 1_800_000_000_000 });
  call.mockClear();
  redis = {} as Redis;
});
afterEach(() => jest.useRealTimers());

async function fail(): Promise<void> {
  call.mockRejectedValueOnce(new Error('connect ECONNREFUSED'));
  await expect(answered(redis, call)).rejects.toMatchObject({ code: 'UNAVAILABLE' });
}

test('[FA1] after a failure the next calls need not wait to hear of it', async () => {
  await fail();
  await expect(answered(redis, call)).rejects.toMatchObject({ code: 'UNAVAILABLE', retryAfterMillis: 1000 });
  expect(call).toHaveBeenCalledTimes(1);
  jest.advanceTimersByTime(500);
  expect(await answered(redis, call)).toBe('PONG');
});

test('[FA1] once Redis is connected again nobody is refused for what was before', async () => {
  await fail();
  noteReturn(redis);
  expect(await answered(redis, call)).toBe('PONG');
  expect(unseenMillis(redis, offlineMillis)).toBeGreaterThanOrEqual(offlineMillis);
});

test('[FA1] a call that hangs is given up within the second that an answer may take', async () => {
  call.mockReturnValueOnce(new Promise(() => {}));
  const refused = expect(answered(redis, call)).rejects.toMatchObject({ code: 'UNAVAILABLE' });
  await jest.advanceTimersByTimeAsync(999);
  await refused;
});

test('what Redis says about a script is a bug and no outage', async () => {
  const bug = Object.assign(new Error('ERR user_script:1: attempt to index a nil value'), { name: 'ReplyError' });
  call.mockRejectedValueOnce(bug);
  await expect(answered(redis, call)).rejects.toBe(bug);
  expect(await answered(redis, call)).toBe('PONG');
});
