import { randomUUID } from 'node:crypto';
import { access, lstat, mkdir, readdir, rename, rm, stat, utimes } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** A cache of build results, each in a folder, keyed by the hash of their sources. */
export interface BuildCache {
  /**
   * Returns the folder for a hash. If it does not exist, `build` creates it. It appears atomically, also if two
   * processes build it at once.
   */
  folder(kind: string, hash: string, build: (directory: string) => Promise<void>): Promise<string>;
}

const keptOfAKind = 4;
/** A folder used within this time is not removed, because another process may run from it. */
const keptForMillis = 60 * 60_000;

/**
 * @param directory the folder of the cache; created on first use.
 * @param ownDirectory the cache that is used if `directory` belongs to another user.
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

/** Other users must not be able to write to this folder, because code is run from it. */
const privateDirectory = () => join(tmpdir(), `rollcall-cache-${process.getuid?.() ?? 'user'}`);

async function isOurs(directory: string): Promise<boolean> {
  const found = await lstat(directory).catch(() => undefined);
  const owned = found?.isDirectory() && found.uid === (process.getuid?.() ?? found.uid);
  return Boolean(owned && (found!.mode & 0o022) === 0);
}

/** Whether writing was refused because the folder belongs to another user or is read-only. */
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

/** Prevents other processes from removing a folder while this one uses it, until the returned function is called. */
export function keepInUse(folder: string): () => void {
  const timer = setInterval(() => void renew(folder), keptForMillis / 4).unref();
  return () => clearInterval(timer);
}

/**
 * Marks a folder as used. Errors are ignored: the folder may belong to another user or be removed. Then it is built
 * again at worst.
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
        // Another process removed it first.
        () => now,
      );
      return { path, usedAt };
    }),
  );
  aged.sort((left, right) => right.usedAt - left.usedAt);
  const old = aged.slice(keptOfAKind).filter(({ usedAt }) => usedAt < now - keptForMillis);
  // Errors are ignored, because folders of another user cannot be removed.
  await Promise.allSettled(old.map(({ path }) => rm(path, { recursive: true, force: true })));
}

async function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}
