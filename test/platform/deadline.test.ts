import { DeadlineExceeded, withDeadline } from '../../lambdas/platform/deadline.ts';

const never = new Promise<never>(() => {});

test('returns the result of the work, and no timer remains', async () => {
  jest.useFakeTimers();
  expect(await withDeadline(Promise.resolve(5), 100)).toBe(5);
  await expect(withDeadline(Promise.reject(new Error('failed')), 100)).rejects.toThrow('failed');
  expect(jest.getTimerCount()).toBe(0);
  jest.useRealTimers();
});

test.each([0, -5, 10])('work that does not end fails after %d ms', async (millis) => {
  await expect(withDeadline(never, millis)).rejects.toBeInstanceOf(DeadlineExceeded);
});

test('a failure of the work after the deadline does not end the process', async () => {
  const work = Promise.withResolvers<never>();
  await expect(withDeadline(work.promise, 0)).rejects.toBeInstanceOf(DeadlineExceeded);
  work.reject(new Error('too late'));
  await new Promise(setImmediate);
});
