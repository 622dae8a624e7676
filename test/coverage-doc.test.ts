import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

const root = join(__dirname, '..');
const page = readFileSync(join(root, 'docs/coverage.md'), 'utf8');
const rows = page
  .split('\n')
  .filter((line) => line.startsWith('| ') && !line.startsWith('| ---'))
  .map((line) => line.split('|').map((cell) => cell.trim()));
const promises = 409;
const families = { PR: 15, DE: 10, SE: 10, SA: 10, AC: 6, LC: 6, FA: 6 };

/** The files that a text names. */
function filesIn(text: string): string[] {
  return [...text.matchAll(/`([\w./-]+\.(?:ts|sql|md))`/g)].map(([, file]) => file!);
}

test('every promise is on the page, once', () => {
  const numbers = rows.flatMap(([, cell = '']) => {
    const [, first, last = first] = /^(\d+)(?:-(\d+))?$/.exec(cell) ?? [];
    if (first === undefined) return [];
    return Array.from({ length: Number(last) - Number(first) + 1 }, (_, n) => Number(first) + n);
  });
  expect(numbers).toEqual(Array.from({ length: promises }, (_, n) => n + 1));
});

test('every file the page names is there', () => {
  const files = filesIn(page);
  expect(files.length).toBeGreaterThan(100);
  expect(files.filter((file) => !existsSync(join(root, file)))).toEqual([]);
});

test('every rule the page claims is in the title of a test of the file it names', () => {
  const unproven = rows.flatMap((cells) => {
    const claims = [...cells.join(' ').matchAll(/`(test\/[\w./-]+\.ts)`((?:,? \[[A-Z]+\d+\])+)/g)];
    return claims.flatMap(([, file = '', ids = '']) =>
      (ids.match(/\[\w+\]/g) ?? []).filter((id) => !titlesOf(file).includes(id)).map((id) => `${file} ${id}`),
    );
  });
  expect(unproven).toEqual([]);
});

test('every rule of the service has its row, and each file of it a test of that rule', () => {
  for (const [family, count] of Object.entries(families)) {
    for (let n = 1; n <= count; n++) {
      const row = rows.find(([, cell]) => cell === `[${family}${n}]`);
      const files = filesIn(row?.[2] ?? '');
      expect([`${family}${n}`, files.length > 0]).toEqual([`${family}${n}`, true]);
      for (const file of files) expect(titlesOf(file)).toContain(`[${family}${n}]`);
    }
  }
});

/** The rule ids that titles of a test file begin with. */
function titlesOf(file: string): string {
  const text = readFileSync(join(root, file), 'utf8');
  return [...text.matchAll(/['"`]((?:\[[A-Z]+\d+\] ?)+)/g)].map(([, ids]) => ids).join('\n');
}
