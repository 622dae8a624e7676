import { mkdir, readdir, readFile, realpath, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { removeEndpoints } from '../endpoints-file.ts';
import { type FileLock, tryLock, waitForLock } from './file-lock.ts';

/** The data folder of a stack. Only the process that holds its lock may change its contents. */
export interface DataFolder {
  /** Its path without symlinks. */
  directory: string;
  /** Removes everything in it except its locks. */
  empty(): Promise<void>;
  /** Releases the lock. Later calls do nothing. */
  release(): void;
}

const stackLock = 'stack.lock';
const serversLock = 'servers.lock';
const locks = [stackLock, serversLock];

/** Longer than the ten seconds after which PostgreSQL is killed. */
const serversEndMillis = 15_000;

/**
 * Locks a data folder for this process until it is released or the process ends. It waits until the servers of an
 * earlier stack have ended.
 *
 * @throws Error with one sentence for the user if another stack uses the folder, or if this user may not use it.
 */
export async function claimDataFolder(path: string): Promise<DataFolder> {
  const directory = await usable(path, async () => {
    await mkdir(path, { recursive: true });
    return realpath(path);
  });
  const lock = await usable(path, async () => tryLock(join(directory, stackLock)));
  if (!lock) throw new Error(await inUse(path, directory));
  try {
    const servers = await claimServers(directory);
    servers.release();
    await removeEndpoints(directory);
  } catch (error) {
    lock.release();
    throw error;
  }
  let held = true;
  return {
    directory,
    empty: () => empty(directory),
    release() {
      if (held) lock.release();
      held = false;
    },
  };
}

/**
 * Takes the lock for running servers on a data folder. The process of the servers holds it, because it ends after the
 * stack.
 *
 * @throws Error with one sentence for the user if servers of another stack still run there.
 */
export async function claimServers(directory: string): Promise<FileLock> {
  const lock = await usable(directory, () => waitForLock(join(directory, serversLock), serversEndMillis));
  if (lock) return lock;
  throw new Error(
    `Servers of an earlier start still use the data folder ${directory}; wait until they have ended and start again.`,
  );
}

async function usable<T>(path: string, use: () => Promise<T>): Promise<T> {
  try {
    return await use();
  } catch (error) {
    throw new Error(
      `The data folder ${path} cannot be used (${(error as Error).message}); choose a folder that you may write to: ROLLCALL_DATA_DIR=… npm start`,
      { cause: error },
    );
  }
}

async function inUse(path: string, directory: string): Promise<string> {
  const endpoints = await readFile(join(directory, 'endpoints.json'), 'utf8').catch(() => '');
  const [, pid] = /"pid": (\d+)/.exec(endpoints) ?? [];
  const owner = pid === undefined ? '' : ` (process ${pid})`;
  return `Rollcall already runs with the data folder ${path}${owner}; stop it, or choose another folder: ROLLCALL_DATA_DIR=… npm start`;
}

/** Renames the data before it is removed, because a server of a killed stack may still write into it for a moment. */
async function empty(directory: string): Promise<void> {
  const names = (await readdir(directory)).filter((name) => !locks.includes(name));
  for (const name of names) {
    const discarded = join(directory, name.endsWith(discardedSuffix) ? name : `${name}${discardedSuffix}`);
    await rename(join(directory, name), discarded);
    await rm(discarded, { recursive: true, force: true, maxRetries: 10 });
  }
}

const discardedSuffix = '.discarded';
