import type { Redis } from 'ioredis';
import { answered, noteReturn, unseenMillis } from '../../lambdas/platform/redis-failure.ts';

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

test('[FA1] after a failure the next calls fail at once', async () => {
  await fail();
  await expect(answered(redis, call)).rejects.toMatchObject({ code: 'UNAVAILABLE', retryAfterMillis: 1000 });
  expect(call).toHaveBeenCalledTimes(1);
  jest.advanceTimersByTime(100);
  expect(await answered(redis, call)).toBe('PONG');
});

/** Calls Redis, which hangs. @returns the milliseconds until the call failed; a turn of the event loop counts as one. */
async function hang(): Promise<number> {
  const began = Date.now();
  call.mockReturnValueOnce(new Promise(() => {}));
  const givenUp = expect(answered(redis, call)).rejects.toMatchObject({ code: 'UNAVAILABLE' });
  const after = givenUp.then(() => Date.now() - began);
  await jest.advanceTimersByTimeAsync(999);
  const millis = await after;
  jest.setSystemTime(began + millis);
  return millis;
}

test('[FA1] after a call that hung, a probe with a short limit is enough to find Redis working again', async () => {
  expect(await hang()).toBe(701);
  jest.setSystemTime(Date.now() + 100);
  expect(await hang()).toBe(101);
  await expect(answered(redis, call)).rejects.toMatchObject({ code: 'UNAVAILABLE' });
  jest.setSystemTime(Date.now() + 100);
  expect(await answered(redis, call)).toBe('PONG');
  expect(await hang()).toBe(701);
});

test('[FA1] if Redis stays away, a call half a second later has the full time limit again', async () => {
  await hang();
  jest.setSystemTime(Date.now() + 500);
  expect(await hang()).toBe(701);
});

test('[FA1] an answer that arrived while the process was paused counts although the time limit is over', async () => {
  jest.useRealTimers();
  const answer = new Promise<string>((resolve) => {
    const { port1, port2 } = new MessageChannel();
    port1.onmessage = () => {
      port1.close();
      resolve('PONG');
    };
    port2.postMessage('');
  });
  const asked = answered(redis, () => answer);
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 900);
  expect(await asked).toBe('PONG');
});

test('[FA1] once Redis is connected again, no call fails because of the outage before', async () => {
  await fail();
  noteReturn(redis);
  expect(await answered(redis, call)).toBe('PONG');
  expect(unseenMillis(redis, offlineMillis)).toBeGreaterThanOrEqual(offlineMillis);
});

test('[FA1] a call that hangs fails within the second that an answer may take', async () => {
  call.mockReturnValueOnce(new Promise(() => {}));
  const refused = expect(answered(redis, call)).rejects.toMatchObject({ code: 'UNAVAILABLE' });
  await jest.advanceTimersByTimeAsync(999);
  await refused;
});

test('an error that Redis answers to a script is a bug and no outage', async () => {
  const bug = Object.assign(new Error('ERR user_script:1: attempt to index a nil value'), { name: 'ReplyError' });
  call.mockRejectedValueOnce(bug);
  await expect(answered(redis, call)).rejects.toBe(bug);
  expect(await answered(redis, call)).toBe('PONG');
});
