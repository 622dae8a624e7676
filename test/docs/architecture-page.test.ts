import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { layers } from '../support/import-rules.ts';
import { project } from './support.ts';

const page = readFileSync(join(project, 'docs/architecture.md'), 'utf8');
const folders = page.slice(page.indexOf('\n## Folders\n'), page.indexOf('\n## Layers\n'));
const picture = readFileSync(join(project, 'docs/images/layers.svg'), 'utf8');

/** Folders that npm or a command writes, and that are not in the repository. */
const generated = new Set(['node_modules', 'dist', 'coverage', 'cdk.out']);

function foldersIn(path: string): string[] {
  return readdirSync(join(project, path), { withFileTypes: true })
    .filter((entry) => entry.isDirectory() && !entry.name.startsWith('.') && !generated.has(entry.name))
    .map(({ name }) => name);
}

/** The part of the page about the subfolders of a folder: from its name in bold to the next one. */
function partAbout(folder: string): string {
  const [, after] = folders.split(`\n**\`${folder}/\`**`);
  if (after === undefined) throw new Error(`docs/architecture.md says nothing about the folders of ${folder}/.`);
  return after.split('\n**`')[0]!;
}

/** The folders that a text does not name in code style, with or without a slash. */
function missingIn(text: string, names: readonly string[]): string[] {
  return names.filter((name) => !text.includes(`\`${name}/\``) && !text.includes(`\`${name}\``));
}

test('the page names every folder of the project', () => {
  expect(missingIn(folders, foldersIn('.'))).toEqual([]);
});

test.each(['lambdas', 'client', 'dashboard', 'demo', 'local', 'scripts', 'test'])(
  'the page names every folder of %s',
  (folder) => {
    expect(missingIn(partAbout(folder), foldersIn(folder))).toEqual([]);
  },
);

test('the page names every folder of use cases', () => {
  const [, useCases] = page.split('\n### Use cases\n');
  expect(missingIn(useCases!, foldersIn('lambdas/flows'))).toEqual([]);
});

test('the picture of the layers shows every layer that the import rules know, the highest first', () => {
  const shown = [...picture.matchAll(/class="name"[^>]*>([\w-]+)(?:: the use cases)?</g)].map(([, name]) => name);
  // In the picture the use cases are inside a box that has its own name.
  const expected = layers
    .flatMap((folders) => [...folders].reverse())
    .reverse()
    .map((folder) => folder.split('/').at(-1)!);
  expected.splice(expected.indexOf('adapters') + 1, 0, 'flows');
  expect(shown).toEqual(expected);
});
