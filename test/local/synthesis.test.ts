import { execFile } from 'node:child_process';
import { chmod, mkdir, mkdtemp, readdir, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { promisify } from 'node:util';
import { keepInUse, openBuildCache } from '../../local/synthesis/build-cache.ts';
import { contentHash } from '../../local/synthesis/content-hash.ts';
import { sentenceOf, synthesize } from '../../local/synthesis/synthesize.ts';
import { timeLimits } from '../support/time-limits.ts';
import { fixtureSynthesis, projectDirectory } from './fixtures/assembly.ts';

let directory: string;

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'rollcall-synthesis-'));
});
afterEach(() => rm(directory, { recursive: true, force: true }));

test('the same sources and settings are synthesized once', async () => {
  await synthesize(fixtureSynthesis());
  const lines: string[] = [];
  const again = await synthesize({ ...fixtureSynthesis(), progress: (line) => lines.push(line) });
  expect(lines).toEqual([]);
  expect(await readdir(again)).toContain('manifest.json');
});

test('the error of a failing app is reported with its own message', async () => {
  const refused = synthesize(fixtureSynthesis({ ...process.env, FIXTURE_REFUSE: 'A setting is impossible.' }));
  await expect(refused).rejects.toThrow(new Error('A setting is impossible.'));
});

test.each([
  ['Error: The setting is wrong.\n    at file.ts:1:1\n', 'The setting is wrong.'],
  [
    '/a/b.ts:3\n  throw new TypeError("x")\n        ^\n\nTypeError: x is no number\n    at f (b.ts)\n\nNode.js v24\n',
    'x is no number',
  ],
  ['The setting is wrong.\nWARNING Parameters/X: not referenced\n   Rollcall\n', 'The setting is wrong.'],
  [
    'Build failed with 2 errors:\nerror: Could not resolve "x"\n',
    'Build failed with 2 errors: error: Could not resolve "x"',
  ],
  ['(node:1) Warning: old\nIt is broken.\n', 'It is broken.'],
  ['', undefined],
])('from %j the message is %j', (complaints, sentence) => {
  expect(sentenceOf(complaints)).toBe(sentence);
});

test('a hash depends on names and contents only', async () => {
  await writeFile(join(directory, 'a.ts'), 'one');
  const first = await contentHash(directory, ['a.ts', 'absent'], { X: '1' });
  await writeFile(join(directory, 'a.ts'), 'one');
  expect(await contentHash(directory, ['absent', 'a.ts'], { X: '1' })).toBe(first);
  expect(await contentHash(directory, ['a.ts'], { X: '2' })).not.toBe(first);
  await writeFile(join(directory, 'a.ts'), 'two');
  expect(await contentHash(directory, ['a.ts'], { X: '1' })).not.toBe(first);
});

describe('the build cache', () => {
  test('builds a folder once, also with two concurrent requests', async () => {
    const cache = openBuildCache(directory);
    const build = jest.fn(async (folder: string) => writeFile(join(folder, 'made'), ''));
    const folders = await Promise.all([
      cache.folder('kind', 'h', build),
      openBuildCache(directory).folder('kind', 'h', build),
    ]);
    expect(new Set(folders)).toEqual(new Set([join(directory, 'kind-h')]));
    expect(await readdir(directory)).toEqual(['kind-h']);
    await cache.folder('kind', 'h', build);
    expect(build.mock.calls.length).toBeLessThanOrEqual(2);
  });

  test('keeps nothing of a failed build', async () => {
    const cache = openBuildCache(directory);
    const failing = cache.folder('kind', 'h', async (folder) => {
      await writeFile(join(folder, 'half'), '');
      throw new Error('no');
    });
    await expect(failing).rejects.toThrow('no');
    expect(await readdir(directory)).toEqual([]);
  });

  // Only root can change its user.
  const asRoot = process.getuid?.() === 0 ? test : test.skip;
  /** The results of the cache for another user with the hashes `there`, `missing` and `missing` again. */
  async function askAsAnother(shared: string, own: string): Promise<string[]> {
    const module = pathToFileURL(join(projectDirectory, 'local/synthesis/build-cache.ts')).href;
    // The user is changed after the import, because another user may have no access to the folder of this project.
    const script = `import { openBuildCache } from '${module}';
      process.setgroups([]);
      process.setgid(65_534);
      process.setuid(65_534);
      const cache = openBuildCache(...process.argv.slice(1));
      for (const hash of ['there', 'missing', 'missing']) {
        console.log(await cache.folder('kind', hash, async () => {}).catch((error) => error.message));
      }`;
    await chmod(directory, 0o777);
    await openBuildCache(shared).folder('kind', 'there', async () => {});
    const arguments_ = ['--input-type=module', '-e', script, shared, own];
    const { stdout } = await promisify(execFile)(process.execPath, arguments_, { cwd: '/', timeout: timeLimits.event });
    return stdout.trim().split('\n');
  }

  asRoot('of another user is read, and missing folders are built in a cache of the own user', async () => {
    const [shared, own] = [join(directory, 'shared'), join(directory, 'own')];
    const made = join(own, 'kind-missing');
    expect(await askAsAnother(shared, own)).toEqual([join(shared, 'kind-there'), made, made]);
  });

  asRoot('does not use an own folder that another user created', async () => {
    const [shared, own] = [join(directory, 'shared'), join(directory, 'own')];
    await mkdir(join(own, 'kind-missing'), { recursive: true });
    await chmod(own, 0o777);
    const refused = `${own} was made by another user; remove it and start again.`;
    expect(await askAsAnother(shared, own)).toEqual([join(shared, 'kind-there'), refused, refused]);
  });

  test('tolerates that a folder is removed while it is in use', async () => {
    jest.useFakeTimers();
    const rejected: unknown[] = [];
    const listener = (error: unknown) => rejected.push(error);
    process.on('unhandledRejection', listener);
    const release = keepInUse(join(directory, 'gone'));
    jest.advanceTimersByTime(60 * 60_000);
    jest.useRealTimers();
    // An unhandled rejection is reported after the file system has answered.
    await stat(join(directory, 'gone')).catch(() => {});
    await new Promise((resolve) => setTimeout(resolve, 50));
    release();
    process.off('unhandledRejection', listener);
    expect(rejected).toEqual([]);
  });
});
