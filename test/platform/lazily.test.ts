import { lazily } from '../../lambdas/platform/lazily.ts';

class Counter {
  #count = 0;

  async add(by: number): Promise<number> {
    this.#count += by;
    return this.#count;
  }

  async fail(): Promise<never> {
    throw new Error('refused');
  }

  now(): number {
    return this.#count;
  }
}

test('the object is loaded at the first call, once for all calls', async () => {
  const load = jest.fn(async () => new Counter());
  const counter = lazily(load);
  expect(load).not.toHaveBeenCalled();
  expect(await Promise.all([counter.add(1), counter.add(2)])).toEqual([1, 3]);
  expect(await counter.add(3)).toBe(6);
  expect(load).toHaveBeenCalledTimes(1);
});

test('a failed load fails the calls that wait for it, and the next call loads again', async () => {
  const load = jest.fn(async () => new Counter());
  load.mockRejectedValueOnce(new Error('no such file'));
  const counter = lazily(load);
  await expect(counter.add(1)).rejects.toThrow('no such file');
  expect(await counter.add(1)).toBe(1);
});

test('an error of a method is thrown as it is', async () => {
  await expect(lazily(async () => new Counter()).fail()).rejects.toThrow('refused');
});

test('a method that returns no promise is refused, because its caller does not expect one', async () => {
  const counter = lazily(async () => new Counter());
  await expect(counter.now() as unknown as Promise<number>).rejects.toThrow('The method now returns no promise');
});

test('the object itself can be awaited', async () => {
  const load = jest.fn(async () => new Counter());
  const counter = lazily(load);
  expect(await counter).toBe(counter);
  expect(load).not.toHaveBeenCalled();
});
