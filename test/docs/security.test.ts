import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { project } from './support.ts';

const page = readFileSync(join(project, 'SECURITY.md'), 'utf8');
const rules = readFileSync(join(project, 'docs/rules.md'), 'utf8');
const rows = page
  .split('\n')
  .filter((line) => line.startsWith('| ') && !line.startsWith('| ---') && !line.startsWith('| threat'))
  .map((line) => line.split('|').map((cell) => cell.trim()))
  .map(([, threat, means, files, rule, tests]) => ({ threat, means, files, rule, tests }));
const pathsIn = (cell: string | undefined) => [...(cell ?? '').matchAll(/`([^`]+)`/g)].map(([, path]) => path!);

test('the page has the threats of the issue that asked for it', () => {
  expect(rows.map(({ threat }) => threat)).toEqual(
    expect.arrayContaining([
      ...['A stolen token', 'A leaked invite', "Another user's session", 'A flood of frames', 'Poisoned presence'],
      ...['Log injection', 'Denial of wallet'],
    ]),
  );
});

test.each(rows)('$threat: the named files and tests exist, and each rule is in force', ({ files, rule, tests }) => {
  expect([pathsIn(files).length > 0, pathsIn(tests).length > 0]).toEqual([true, true]);
  const named = [...pathsIn(files), ...pathsIn(tests)];
  expect(named.filter((path) => !existsSync(join(project, path)))).toEqual([]);
  for (const path of pathsIn(tests)) expect(path).toMatch(/^test\/.*\.test\.ts$/);
  const proofs = pathsIn(tests).map((path) => readFileSync(join(project, path), 'utf8'));
  for (const id of rule === '–' ? [] : rule!.split(', ')) {
    expect(rules).toContain(`- **${id}** `);
    expect([id, proofs.some((text) => text.includes(`[${id}]`))]).toEqual([id, true]);
  }
});

test('the bound of the bill is named, with a test that proves it', () => {
  const row = rows.find(({ threat }) => threat === 'Denial of wallet')!;
  expect(row.means).toContain('`MAX_DOLLARS_PER_HOUR`');
  expect(pathsIn(row.tests)).toContain('test/presence/spending.test.ts');
});
