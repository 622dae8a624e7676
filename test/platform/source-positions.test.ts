import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { build } from 'esbuild';

const run = promisify(execFile);
const log = join(__dirname, '..', '..', 'lambdas', 'platform', 'log.ts');

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'rollcall-positions-'));
  const failing = [
    'export function fail(): never {',
    '  try {',
    '    throw new Error("the cause");',
    '  } catch (cause) {',
    '    throw new Error("the failure", { cause });',
    '  }',
    '}',
  ];
  await writeFile(join(folder, 'failing.ts'), failing.join('\n'));
  const main = [
    `import { log } from ${JSON.stringify(log)};`,
    'import { fail } from "./failing.ts";',
    'try { fail(); } catch (error) { log.error("told", { error }); }',
  ];
  await writeFile(join(folder, 'main.ts'), main.join('\n'));
});
afterAll(() => rm(folder, { recursive: true }));

/** Bundles the program as the functions are bundled, runs it without options for Node.js and returns the error of its log line. */
async function loggedError(sourcemap: 'linked' | false): Promise<Record<string, string>> {
  const outfile = join(folder, `with-map-${sourcemap}`, 'index.mjs');
  const common = { bundle: true, platform: 'node', format: 'esm', minify: true, keepNames: true } as const;
  const banner = { js: "import{createRequire as c}from'node:module';const require=c(import.meta.url);" };
  await build({ ...common, banner, entryPoints: [join(folder, 'main.ts')], outfile, sourcemap, sourcesContent: false });
  const { stderr } = await run(process.execPath, [outfile], { env: { POWERTOOLS_DEV: 'false' } });
  return JSON.parse(stderr).error;
}

test('an error in a log line names the lines of the source files, and so does its cause', async () => {
  const error = await loggedError('linked');
  expect(error).toMatchObject({
    message: 'the failure',
    location: `${folder}/failing.ts:5`,
    stack: expect.stringContaining(`at fail (${folder}/failing.ts:5:11)`),
    cause: {
      message: 'the cause',
      location: `${folder}/failing.ts:3`,
      stack: expect.stringContaining('failing.ts:3:11'),
    },
  });
  expect(error['stack']).toContain(`${folder}/main.ts:3`);
  expect(error['stack']).not.toContain('index.mjs');
});

test('without a source map, the error names the lines of the bundle', async () => {
  const error = await loggedError(false);
  expect(error['stack']).toMatch(/at fail \(file:.*\/index\.mjs:\d+:\d+\)/);
});
