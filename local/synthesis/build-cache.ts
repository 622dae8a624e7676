import { randomUUID } from 'node:crypto';
import { access, lstat, mkdir, readdir, rename, rm, stat, utimes } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** Folders that were made at some cost and are kept by the hash of what they were made from. */
export interface BuildCache {
  /**
   * The folder for a hash; made by `build` if it is not there. It appears whole or not at all, also when two processes
   * make it at once.
   */
  folder(kind: string, hash: string, build: (directory: string) => Promise<void>): Promise<string>;
}

const keptOfAKind = 4;
/** Nothing that was used since is removed: another process may run from it. */
const keptForMillis = 60 * 60_000;

/**
 * @param directory where the folders lie; made on first use.
 * @param ownDirectory where this user's folders lie when the other belongs to another user.
 */
export function openBuildCache(directory: string, ownDirectory = privateDirectory()): BuildCache {
  return {
    async folder(kind, hash, build) {
      const name = `${kind}-${hash}`;
      for (const place of [directory, ownDirectory]) {
        const target = join(place, name);
        if (!(await exists(target)) || (place === ownDirectory && !(await isOurs(place)))) continue;
        await renew(target);
        return target;
      }
      try {
        return await make(directory, kind, name, build);
      } catch (error) {
        if (!isForbidden(error, directory)) throw error;
      }
      await mkdir(ownDirectory, { recursive: true, mode: 0o700 });
      if (!(await isOurs(ownDirectory))) {
        throw new Error(`${ownDirectory} was made by another user; remove it and start again.`);
      }
      return make(ownDirectory, kind, name, build);
    },
  };
}

/** Builds run code from this folder, so nobody else may write to it. */
const privateDirectory = () => join(tmpdir(), `rollcall-cache-${process.getuid?.() ?? 'user'}`);

async function isOurs(directory: string): Promise<boolean> {
  const found = await lstat(directory).catch(() => undefined);
  const owned = found?.isDirectory() && found.uid === (process.getuid?.() ?? found.uid);
  return Boolean(owned && (found!.mode & 0o022) === 0);
}

/** Whether the system refused to write there: the folder is another user's, or read-only. */
function isForbidden(error: unknown, directory: string): boolean {
  const { code, path } = error as NodeJS.ErrnoException;
  return ['EACCES', 'EPERM', 'EROFS'].includes(code ?? '') && Boolean(path?.startsWith(directory));
}

async function make(
  directory: string,
  kind: string,
  name: string,
  build: (directory: string) => Promise<void>,
): Promise<string> {
  const target = join(directory, name);
  const unfinished = join(directory, `${name}.${randomUUID()}.unfinished`);
  await mkdir(unfinished, { recursive: true });
  try {
    await build(unfinished);
    await rename(unfinished, target).catch(async (error: unknown) => {
      if (!(await exists(target))) throw error;
    });
  } finally {
    await rm(unfinished, { recursive: true, force: true });
  }
  await removeOld(directory, kind, Date.now());
  return target;
}

/** Keeps a folder from being removed by other processes while this one uses it; ends with the returned function. */
export function keepInUse(folder: string): () => void {
  const timer = setInterval(() => void renew(folder), keptForMillis / 4).unref();
  return () => clearInterval(timer);
}

/**
 * Says that a folder is in use. This is best effort: the folder may belong to another user, or be gone. The worst that
 * follows is that it is built again.
 */
async function renew(folder: string): Promise<void> {
  const now = new Date();
  await utimes(folder, now, now).catch(() => {});
}

async function removeOld(directory: string, kind: string, now: number): Promise<void> {
  const names = (await readdir(directory)).filter((name) => name.startsWith(`${kind}-`));
  const aged = await Promise.all(
    names.map(async (name) => {
      const path = join(directory, name);
      const usedAt = await stat(path).then(
        ({ mtimeMs }) => mtimeMs,
        // Another start removed it first.
        () => now,
      );
      return { path, usedAt };
    }),
  );
  aged.sort((left, right) => right.usedAt - left.usedAt);
  const old = aged.slice(keptOfAKind).filter(({ usedAt }) => usedAt < now - keptForMillis);
  // What another user made stays.
  await Promise.allSettled(old.map(({ path }) => rm(path, { recursive: true, force: true })));
}

async function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}
