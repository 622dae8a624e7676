import { readFileSync } from 'node:fs';
import { copyFile, mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { installClient } from '../support/packed-client.ts';
import { type CodeBlock, codeBlocks, pagesOf, project, runProgram } from './support.ts';

/** Every snippet of the README and the documents is type-checked against the packed client. */

const packages = [
  ...['react', 'react-dom', 'vue', 'yjs', 'y-codemirror.next', '@codemirror', 'vite', 'ws', '@jest', 'jest-mock'],
  ...['@types/react', '@types/react-dom', '@types/ws', '@types/node', 'expect', '@sinclair'],
];
const languages = ['js', 'ts', 'tsx', 'vue'];
const snippets = ['README.md', 'client/README.md', ...pagesOf('docs')]
  .flatMap((page) => codeBlocks(page))
  .filter(({ language }) => languages.includes(language))
  .map((block, index) => ({ ...block, index }));
let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'rollcall-snippets-'));
  await writeFile(join(folder, 'package.json'), '{"type":"module","private":true}');
  await installClient(folder, packages);
  for (const snippet of snippets) await writeSnippet(snippet);
  await copyFile(join(__dirname, 'other-packages.d.ts'), join(folder, 'other-packages.d.ts'));
  // A CDK app stands in `bin`, beside the sources of the project and its packages.
  for (const name of ['lib', 'lambdas', 'protocol', 'migrations', 'node_modules']) {
    await symlink(join(project, name), join(folder, 'pages/docs/deployment.md', name));
  }
});
afterAll(() => rm(folder, { recursive: true, force: true }));

type Snippet = CodeBlock & { index: number };

/** Snippets of one page that name their files may import each other, so they share a folder. */
function pathOf({ page, file, language, index }: Snippet): string {
  if (file) return join('pages', page, file.replace(/\.vue$/, '.ts'));
  return `snippet-${index}.${language === 'vue' ? 'ts' : language}`;
}

async function writeSnippet(snippet: Snippet): Promise<void> {
  const path = join(folder, pathOf(snippet));
  await mkdir(dirname(path), { recursive: true });
  await writeFile(path, snippet.language === 'vue' ? scriptOf(snippet) : snippet.code);
}

/** The script of a Vue component. The compiler of Vue defines the macros. */
function scriptOf({ page, code }: Snippet): string {
  const [, script] = /<script setup lang="ts">([\s\S]*?)<\/script>/.exec(code) ?? [];
  if (!script) throw new Error(`${page} has a Vue component without <script setup lang="ts">:\n${code}`);
  return `declare function defineProps<T>(): T;\n${script}`;
}

/** What the compiler says of these files. JavaScript need not name the types of its parameters. */
async function check(paths: readonly string[]): Promise<string> {
  const isScript = (path: string) => path.endsWith('js');
  const scripts = paths.filter(isScript);
  const others = paths.filter((path) => !isScript(path));
  return (await compile(others, { strict: true })) + (await compile(scripts, { allowJs: true, checkJs: true }));
}

async function compile(paths: readonly string[], more: object): Promise<string> {
  if (paths.length === 0) return '';
  const options = {
    ...{ strict: false, noEmit: true, skipLibCheck: true, jsx: 'react-jsx', allowImportingTsExtensions: true },
    ...{ module: 'esnext', moduleResolution: 'bundler', moduleDetection: 'force', target: 'es2024' },
    ...{ lib: ['es2024', 'dom', 'dom.iterable'], types: ['node', 'vite/client'] },
  };
  const settings = { compilerOptions: { ...options, ...more }, files: [...paths, 'other-packages.d.ts'] };
  await writeFile(join(folder, 'tsconfig.json'), JSON.stringify(settings));
  const compiler = join(project, 'node_modules/typescript/bin/tsc');
  const { output } = await runProgram(process.execPath, [compiler, '-p', folder, '--pretty', 'false'], { cwd: folder });
  return output;
}

/** A snippet that declares types for the whole application declares them for every file of the same run. */
const declaresTypes = ({ code }: Snippet) => code.includes('declare module');

test('there are snippets of each language', () => {
  const found = languages.map((language) => snippets.filter((snippet) => snippet.language === language).length);
  expect(found.map((count) => count >= 2)).toEqual([true, true, true, true]);
});

test('[row 43] each snippet type-checks against the package', async () => {
  expect(await check(snippets.filter((snippet) => !declaresTypes(snippet)).map(pathOf))).toBe('');
});

test.each(snippets.filter(declaresTypes))('a snippet of $page type-checks with its own types', async (snippet) => {
  expect(await check([pathOf(snippet)])).toBe('');
});

test.each(pagesOf('docs/migrating').filter((page) => !page.endsWith('README.md')))(
  'the names in the table of %s exist in the package',
  async (page) => {
    const rows = readFileSync(join(project, page), 'utf8')
      .split('\n')
      .filter((line) => /^\| [^-]/.test(line));
    const cells = rows.slice(1).map((row) => row.split('|').at(-2)!);
    const methods = cells.flatMap((cell) => [...cell.matchAll(/`(session|client)\.(\w+)/g)]);
    const exported = cells.flatMap((cell) => [...cell.matchAll(/`(use[A-Z]\w+|\w+Provider)`/g)]);
    const code = [
      `import type { Client, Session } from '@rollcall/client';`,
      `import * as react from '@rollcall/client/react';`,
      `export declare const client: Client, session: Session;`,
      `export const names = [${[...methods.map(([, of, name]) => `${of}.${name}`), ...exported.map(([, name]) => `react.${name}`)]}];`,
    ];
    expect(methods.length).toBeGreaterThan(5);
    const snippet = { page, language: 'ts', file: undefined, index: snippets.length + 1, code: code.join('\n') };
    await writeSnippet(snippet);
    expect(await check([pathOf(snippet)])).toBe('');
  },
);

test('a snippet that does not match the package is found', async () => {
  const [snippet] = snippets.filter(({ code }) => code.includes("session.setActivity('"));
  const wrong = {
    ...snippet!,
    file: undefined,
    index: snippets.length,
    code: `${snippet!.code}\nsession.setMood('good');\n`,
  };
  await writeSnippet(wrong);
  expect(await check([pathOf(wrong)])).toMatch(/^snippet-\d+\.ts\(\d+,\d+\): error TS2339: Property 'setMood'/);
});

// The others connect to a service of the reader's own.
test.each(['createTestRollcall', 'ReconnectionManager'])(
  '[row 43] runs where it needs no service (%s)',
  async (name) => {
    const { code } = snippets.find((snippet) => snippet.code.includes(`import { ${name} }`))!;
    await writeFile(join(folder, 'runs.mts'), code);
    const { output } = await runProgram(process.execPath, ['--disable-warning=ExperimentalWarning', 'runs.mts'], {
      cwd: folder,
    });
    const shown = [...code.matchAll(/console\.log\(.*\); \/\/ (.*)/g)].map(([, line]) => line);
    expect(output.trim().split('\n').filter(Boolean)).toEqual(shown);
  },
);
