import { inParallel } from '../../lambdas/platform/in-parallel.ts';

test('each item is worked on once, never more than so many at a time, in their order', async () => {
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

test('nothing begins after a failure, which is thrown', async () => {
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

test('without items there is nothing to do', async () => {
  const work = jest.fn();
  await inParallel([], 3, work);
  expect(work).not.toHaveBeenCalled();
});
