import { execFile } from 'node:child_process';
import { cp, mkdtemp, rename, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { promisify } from 'node:util';

/**
 * A copy of a folder that every account can reach, made once per name: the account PostgreSQL runs as may lack the way to
 * a clone in a private folder, and PostgreSQL checks that way itself, whatever rights it was given.
 *
 * @param name tells copies of different versions apart.
 * @throws Error when something else, that root did not make, lies in the copy's place.
 */
export async function publicCopy(folder: string, name: string): Promise<string> {
  const copy = join(tmpdir(), `rollcall-${name}`);
  if (!(await isOurs(copy))) {
    const draft = await mkdtemp(`${copy}-`);
    await cp(folder, join(draft, basename(copy)), { recursive: true, verbatimSymlinks: true });
    await promisify(execFile)('chmod', ['-R', 'a+rX,go-w', join(draft, basename(copy))]);
    // Whoever is first wins; the copies are the same.
    await rename(join(draft, basename(copy)), copy).catch(async (error: Error) => {
      if (!(await isOurs(copy))) throw error;
    });
    await rm(draft, { recursive: true, force: true });
  }
  return copy;
}

/** Whether the copy is there and nobody but root could have changed it. */
async function isOurs(copy: string): Promise<boolean> {
  const found = await stat(copy).catch(() => undefined);
  if (!found) return false;
  if (found.uid !== 0 || (found.mode & 0o022) !== 0) {
    throw new Error(`${copy} was not made by Rollcall; remove it from ${dirname(copy)} and start again.`);
  }
  return true;
}
