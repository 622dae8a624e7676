import { existsSync, readFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

/** The environment variable with the folder of a checkout of Rollcall. */
const variable = 'ROLLCALL_CHECKOUT';

/**
 * Finds the folder of a checkout of Rollcall: the given one, or the nearest one above the working folder or above this package.
 *
 * @throws Error with one next step if the folder is no checkout, or if there is none.
 */
export function findCheckout(named: string | undefined): string {
  const given = named ?? process.env[variable];
  if (given !== undefined && given !== '') {
    const folder = resolve(given);
    if (isCheckout(folder)) return folder;
    throw new Error(`${folder} is no checkout of Rollcall; name the folder that "git clone" made.`);
  }
  const here = dirname(fileURLToPath(import.meta.url));
  const found = [process.cwd(), here].flatMap(foldersAbove).find(isCheckout);
  if (found !== undefined) return found;
  throw new Error(
    `startRollcall needs a checkout of Rollcall; clone it, and name its folder as the option checkout or in ${variable}.`,
  );
}

function isCheckout(folder: string): boolean {
  const file = join(folder, 'package.json');
  if (!existsSync(file) || !existsSync(join(folder, 'scripts', 'run.mjs'))) return false;
  return JSON.parse(readFileSync(file, 'utf8')).name === 'rollcall';
}

function foldersAbove(folder: string): string[] {
  const parent = dirname(folder);
  return parent === folder ? [folder] : [folder, ...foldersAbove(parent)];
}
