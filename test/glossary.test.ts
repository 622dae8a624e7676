import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

const project = join(__dirname, '..');
const folders = ['lambdas', 'protocol', 'migrations'];
const rows = readFileSync(join(project, 'docs/glossary.md'), 'utf8')
  .split('\n')
  .filter((line) => line.startsWith('| ') && !/^\| (-|word )/.test(line))
  .map((line) => line.split(' | ').map((cell) => cell.replace(/^\||\|$/g, '').trim()));

test('every word of the glossary is in it only once', () => {
  const words = rows.map(([word]) => word);
  expect(words.length).toBeGreaterThan(50);
  expect(words.filter((word, index) => words.indexOf(word) !== index)).toEqual([]);
});

test('every name in the glossary exists in the code', () => {
  const files = folders.flatMap((folder) =>
    readdirSync(join(project, folder), { recursive: true, encoding: 'utf8' })
      .filter((name) => /\.(ts|lua|sql)$/.test(name))
      .map((name) => `${folder}/${name}`),
  );
  const text = `${files.join('\n')}\n${files.map((file) => readFileSync(join(project, file), 'utf8')).join('\n')}`;
  const names = rows.flatMap(([, , code = '']) => [...code.matchAll(/`([^`]+)`/g)].map(([, name]) => name!));
  expect(names.length).toBeGreaterThan(50);
  const isThere = (name: string) => new RegExp(`(?<![\\w-])${name.replaceAll('.', '\\.')}(?!\\w)`).test(text);
  expect(names.filter((name) => !isThere(name))).toEqual([]);
});
