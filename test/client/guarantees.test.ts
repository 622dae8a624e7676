import { readFileSync } from 'node:fs';
import { join } from 'node:path';

const root = join(__dirname, '../..');
const page = readFileSync(join(root, 'docs/client-guarantees.md'), 'utf8');
const rows = [...page.matchAll(/^\| (\d+) +\|.*\| (`.*`) +\|$/gm)].map(([, row, files]) => ({
  row: Number(row),
  files: [...files!.matchAll(/`([^`]+)`/g)].map(([, file]) => file!),
}));

test('the page names the tests of each row, and each of them has the row in a title', () => {
  const missing = rows.flatMap(({ row, files }) =>
    files
      .filter((file) => !readFileSync(join(root, file), 'utf8').includes(`[row ${row}]`))
      .map((file) => `${row}: ${file}`),
  );
  expect(missing).toEqual([]);
});

test('the page has each row once, in order', () => {
  const numbers = rows.map(({ row }) => row);
  expect(numbers.length).toBeGreaterThan(30);
  expect(numbers).toEqual([...new Set(numbers)].toSorted((one, other) => one - other));
});
