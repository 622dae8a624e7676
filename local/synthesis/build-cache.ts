import { randomUUID } from 'node:crypto';
import { access, mkdir, readdir, rename, rm, stat, utimes } from 'node:fs/promises';
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

/** @param directory where the folders lie; made on first use. */
export function openBuildCache(directory: string): BuildCache {
  return {
    async folder(kind, hash, build) {
      const target = join(directory, `${kind}-${hash}`);
      if (await exists(target)) {
        await utimes(target, new Date(), new Date());
        return target;
      }
      const unfinished = join(directory, `${kind}-${hash}.${randomUUID()}.unfinished`);
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
    },
  };
}

/** Keeps a folder from being removed by other processes while this one uses it; ends with the returned function. */
export function keepInUse(folder: string): () => void {
  const timer = setInterval(() => void utimes(folder, new Date(), new Date()), keptForMillis / 4).unref();
  return () => clearInterval(timer);
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
  await Promise.all(old.map(({ path }) => rm(path, { recursive: true, force: true })));
}

async function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}
