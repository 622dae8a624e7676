import { execFile } from 'node:child_process';
import { cp, mkdtemp, rename, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { promisify } from 'node:util';

/**
 * Returns a copy of a folder that all accounts can read; it is made once for each name. It is needed because the
 * account of PostgreSQL may not reach a private folder, and PostgreSQL checks its path itself, whatever capabilities it
 * has.
 *
 * @param name distinguishes copies of different versions.
 * @throws Error if the path of the copy holds something that root did not create.
 */
export async function publicCopy(folder: string, name: string): Promise<string> {
  const copy = join(tmpdir(), `rollcall-${name}`);
  if (!(await isOurs(copy))) {
    const draft = await mkdtemp(`${copy}-`);
    await cp(folder, join(draft, basename(copy)), { recursive: true, verbatimSymlinks: true });
    await promisify(execFile)('chmod', ['-R', 'a+rX,go-w', join(draft, basename(copy))]);
    // If another process was faster, its copy is used; both are equal.
    await rename(join(draft, basename(copy)), copy).catch(async (error: Error) => {
      if (!(await isOurs(copy))) throw error;
    });
    await rm(draft, { recursive: true, force: true });
  }
  return copy;
}

/** Whether the copy exists and only root can change it. */
async function isOurs(copy: string): Promise<boolean> {
  const found = await stat(copy).catch(() => undefined);
  if (!found) return false;
  if (found.uid !== 0 || (found.mode & 0o022) !== 0) {
    throw new Error(`${copy} was not made by Rollcall; remove it from ${dirname(copy)} and start again.`);
  }
  return true;
}
