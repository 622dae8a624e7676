import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { copyFile, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { flagDefaults, settingDefaults } from '../../protocol/timings.ts';
import { startTestStack, type TestStack } from '../support/stack.ts';

const project = join(import.meta.dirname, '../..');
let readme: string;
let stack: TestStack;
let directory: string;

beforeAll(async () => {
  readme = await readFile(join(project, 'README.md'), 'utf8');
  directory = await mkdtemp(join(tmpdir(), 'rollcall-readme-'));
  stack = await startTestStack();
});
afterAll(async () => {
  await stack?.close();
  await rm(directory, { recursive: true, force: true });
});

/** The code block of the README that begins with this file name. */
function snippet(file: string): string {
  const found = new RegExp(`\`\`\`js\\n(// ${file.replaceAll('.', '\\.')}\\n[^]*?)\`\`\``).exec(readme)?.[1];
  if (!found) throw new Error(`README.md has no ${file}.`);
  return found;
}

/** Installs the client in the directory, as `npm install ../rollcall/client` does. */
async function installClient(): Promise<void> {
  const installed = join(directory, 'node_modules/@rollcall/client');
  await mkdir(installed, { recursive: true });
  await copyFile(join(project, 'client/package.json'), join(installed, 'package.json'));
  const bundler = JSON.stringify(join(project, 'scripts/client-bundle.mjs'));
  const outdir = JSON.stringify(join(installed, 'dist'));
  const build = `import(${bundler}).then(({ bundleClient }) => bundleClient(['index'], { outdir: ${outdir} }))`;
  expect(await run('--eval', build)).toEqual({ code: 0, output: '' });
}

async function run(...arguments_: string[]): Promise<{ code: number | null; output: string }> {
  const child = spawn(process.execPath, arguments_, { cwd: directory, stdio: ['ignore', 'pipe', 'pipe'] });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk: Buffer) => (output += chunk));
  const code = await new Promise<number | null>((resolve) => child.once('close', resolve));
  return { code, output };
}

test('the client of the README joins, points and leaves', async () => {
  const code = snippet('presence.mjs').replace('http://127.0.0.1:8787', stack.http);
  expect(code).toContain(stack.http);
  await installClient();
  await writeFile(join(directory, 'presence.mjs'), code);
  expect(await run('presence.mjs')).toEqual({
    code: 0,
    output: 'bob joined\nsomebody points at main-stage, 12\nbob left: left\n',
  });
});

test('the Jest test of the README passes', async () => {
  await mkdir(join(directory, '.rollcall'));
  const { http, websocket } = stack;
  await writeFile(join(directory, '.rollcall/endpoints.json'), JSON.stringify({ http, websocket }));
  await writeFile(join(directory, 'presence.test.js'), snippet('presence.test.js'));
  const jest = join(project, 'node_modules/jest/bin/jest.js');
  const { code, output } = await run(jest, '--rootDir', directory, '--config', '{"testEnvironment":"node"}');
  expect(output).toContain('1 passed');
  expect(code).toBe(0);
});

test('the README lists the settings of the product with their defaults', () => {
  const rows = [...readme.matchAll(/^\| `([A-Z_]+)` +\| +([\d.]+|true|false) \|/gm)].map(([, name, value]) => [
    name,
    JSON.parse(value!),
  ]);
  expect(Object.fromEntries(rows)).toEqual({ ...settingDefaults, ...flagDefaults });
});

test('all files that the README links to exist', () => {
  const links = [...readme.matchAll(/\]\((?!https?:)([^)#]+)\)/g)].map(([, path]) => path!);
  expect(links.length).toBeGreaterThan(8);
  expect(links.filter((path) => !existsSync(join(project, path)))).toEqual([]);
});
