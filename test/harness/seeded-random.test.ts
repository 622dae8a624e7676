import { SeededRandom } from './seeded-random.ts';

test('the same seed gives the same numbers, another seed gives others', () => {
  const numbers = (seed: number) => {
    const random = new SeededRandom(seed);
    return Array.from({ length: 50 }, () => random.next());
  };
  expect(numbers(7)).toEqual(numbers(7));
  expect(numbers(7)).not.toEqual(numbers(8));
  for (const number of numbers(7)) expect(number >= 0 && number < 1).toBe(true);
});

test('random choices stay within the given bounds and have the given weights', () => {
  const random = new SeededRandom(1);
  const drawn = Array.from({ length: 2000 }, () => ({
    whole: random.int(2, 4),
    name: random.weighted({ often: 3, seldom: 1, never: 0 }),
    wait: random.around(100),
  }));
  expect([...new Set(drawn.map(({ whole }) => whole))].sort()).toEqual([2, 3, 4]);
  const often = drawn.filter(({ name }) => name === 'often').length;
  expect(often / drawn.length).toBeCloseTo(0.75, 1);
  expect(drawn.filter(({ name }) => name === 'never')).toEqual([]);
  expect(Math.max(...drawn.map(({ wait }) => wait))).toBeLessThanOrEqual(300);
  expect(random.pick([])).toBeUndefined();
  expect(() => random.one([])).toThrow('no item');
  expect(random.one(['only'])).toBe('only');
});
