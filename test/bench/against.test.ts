import { compare, comparisonOf, withoutComparison } from '../../bench/against.ts';

const round = (value: number, what = 'a post') => [{ what, value, unit: 'ms' }];

test('compares medians, and ratios within a round, so that a slow phase of the machine does not count', () => {
  const own = [round(11), round(220), round(12)];
  const other = [round(10), round(200), round(10)];
  expect(compare(own, other)).toEqual([{ what: 'a post', unit: 'ms', own: 12, other: 10, ratio: 1.1 }]);
});

test('counts two figures of zero as equal', () => {
  expect(compare([round(0)], [round(0)])[0]!.ratio).toBe(1);
});

test('leaves out a figure that one checkout does not have, and refuses two checkouts without a common one', () => {
  const both = [...round(1), ...round(2, 'a sweep')];
  expect(compare([both], [round(1)]).map(({ what }) => what)).toEqual(['a post']);
  expect(() => compare([round(1)], [round(1, 'a sweep')])).toThrow('no figure in common');
});

test('reads the other checkout and the rounds, and passes only the flags of the benchmark on', () => {
  const flags = ['--turns=1', '--against=/tmp/old', '--rounds=5'];
  expect(comparisonOf(flags, '/own')).toEqual({ own: '/own', other: '/tmp/old', rounds: 5 });
  expect(withoutComparison(flags)).toEqual(['--turns=1']);
  expect(comparisonOf(['--turns=1'], '/own')).toBeUndefined();
  expect(() => comparisonOf(['--against=/tmp/old', '--rounds=0'], '/own')).toThrow('whole number above zero');
});
