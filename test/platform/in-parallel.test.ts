import { inParallel } from '../../lambdas/platform/in-parallel.ts';

test('runs the work once for each item, in their order and never more than the limit at once', async () => {
  const begun: number[] = [];
  let running = 0;
  let most = 0;
  await inParallel([1, 2, 3, 4, 5, 6, 7], 3, async (item) => {
    begun.push(item);
    most = Math.max(most, ++running);
    await new Promise(setImmediate);
    running -= 1;
  });
  expect([begun, most, running]).toEqual([[1, 2, 3, 4, 5, 6, 7], 3, 0]);
});

test('throws the first error and starts nothing after it', async () => {
  const begun: number[] = [];
  const work = inParallel([1, 2, 3, 4, 5], 2, async (item) => {
    begun.push(item);
    await new Promise(setImmediate);
    if (item === 2) throw new Error('two');
  });
  await expect(work).rejects.toThrow('two');
  await new Promise(setImmediate);
  await new Promise(setImmediate);
  expect(begun).toEqual([1, 2, 3]);
});

test('does nothing without items', async () => {
  const work = jest.fn();
  await inParallel([], 3, work);
  expect(work).not.toHaveBeenCalled();
});
