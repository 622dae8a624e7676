import { isAway, Unavailable } from '../../lambdas/platform/unavailable.ts';
import { RollcallError } from '../../protocol/errors.ts';

const dependencies = ['redis', 'database', 'connections'] as const;

test.each(dependencies)('[FA1] an error names %s as away and no other dependency', (dependency) => {
  const cause = new Error('ECONNREFUSED 10.0.0.1:6379');
  const failure = new Unavailable(dependency, cause);
  expect(failure).toMatchObject({ code: 'UNAVAILABLE', retryAfterMillis: 1000, cause });
  expect(failure.message).toMatch(/^[A-Z][^.]+\. Try again in a moment\.$/);
  expect(failure.message).not.toMatch(/redis|postgres|dynamo|10\.0/i);
  expect(isAway(failure)).toBe(true);
  expect(dependencies.filter((one) => isAway(failure, one))).toEqual([dependency]);
});

test('no other error means that a dependency is away', () => {
  for (const error of [new Error('away'), new RollcallError('SESSION_FULL', 'Full.'), undefined, 'UNAVAILABLE']) {
    expect(isAway(error)).toBe(false);
  }
});
