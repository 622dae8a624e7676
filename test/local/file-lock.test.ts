import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readdir, rm, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { tryLock, waitForLock } from '../../local/data-folder/file-lock.ts';
import { projectDirectory } from './fixtures/assembly.ts';

let directory: string;
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'rollcall-lock-'));
});
afterEach(() => rm(directory, { recursive: true, force: true }));

/** Starts another process that holds the lock until it is killed. */
async function holder(file: string) {
  const module = pathToFileURL(join(projectDirectory, 'local/data-folder/file-lock.ts')).href;
  const script = `import { tryLock } from '${module}';
    globalThis.lock = tryLock(process.argv[1]);
    process.stdout.write(globalThis.lock ? 'held' : 'refused');
    setInterval(() => {}, 1000);`;
  const child = spawn(process.execPath, ['--input-type=module', '-e', script, file], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const [said] = await once(child.stdout!, 'data');
  expect(String(said)).toBe('held');
  return {
    async kill() {
      const ended = once(child, 'exit');
      child.kill('SIGKILL');
      await ended;
    },
  };
}

test('a lock has one holder at a time, within a process and between processes, also by another path to the file', async () => {
  const file = join(directory, 'a.lock');
  const lock = tryLock(file);
  expect(lock).toBeDefined();
  expect(tryLock(file)).toBeUndefined();
  lock!.release();
  const other = await holder(file);
  const link = `${directory}-link`;
  await symlink(directory, link);
  try {
    expect(tryLock(join(link, 'a.lock'))).toBeUndefined();
  } finally {
    await rm(link);
    await other.kill();
  }
});

test('the lock ends with its holder, and no file remains', async () => {
  const file = join(directory, 'a.lock');
  const other = await holder(file);
  const waiting = waitForLock(file, 5000);
  await other.kill();
  (await waiting)!.release();
  expect(await readdir(directory)).toEqual(['a.lock']);
});

test('waiting for a held lock ends after the given time', async () => {
  const lock = tryLock(join(directory, 'a.lock'))!;
  expect(await waitForLock(join(directory, 'a.lock'), 50)).toBeUndefined();
  lock.release();
});

test('a file that cannot be created is an error and not a held lock', () => {
  expect(() => tryLock(join(directory, 'missing', 'a.lock'))).toThrow('unable to open database file');
});
