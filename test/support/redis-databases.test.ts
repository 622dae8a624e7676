import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

/** The databases below are those of the stacks, one for each worker of the test run. */
const firstOfSuites = 10;

test('no two suites use the same database of Redis, because they may run at the same time', () => {
  const folder = join(__dirname, '..');
  const files = readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((name) => name.endsWith('.test.ts'));
  const uses = files.flatMap((file) =>
    [...readFileSync(join(folder, file), 'utf8').matchAll(/redisUrl\((\d+)\)/g)].map(([, database]) => ({
      ...{ file, database: Number(database) },
    })),
  );
  expect(Math.min(...uses.map(({ database }) => database))).toBeGreaterThanOrEqual(firstOfSuites);
  const shared = [...Map.groupBy(uses, ({ database }) => database).values()].filter(({ length }) => length > 1);
  expect(shared).toEqual([]);
});
