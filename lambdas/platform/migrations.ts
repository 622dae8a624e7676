import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { runner } from 'node-pg-migrate';
import type { PoolConfig } from 'pg';
import { log } from './log.ts';

/**
 * Runs the migrations that a database does not have yet, each in its own transaction, in the order of the file names.
 * Because of an advisory lock only one caller runs them at a time; a second one waits and then has nothing to do.
 *
 * @param target how to connect. Set no statement timeout, because a migration may take longer than a request.
 * @param directory the folder of the `.sql` files.
 * @returns the names of the migrations that ran.
 */
export async function migrate(target: string | PoolConfig, directory = migrationsDirectory()): Promise<string[]> {
  const ran = await runner({
    databaseUrl: target,
    dir: directory,
    // Other files in the folder are ignored, for example backups of an editor.
    ignorePattern: '(?!\\d{4}-[\\w-]+\\.sql$).*',
    direction: 'up',
    migrationsTable: 'migrations',
    singleTransaction: false,
    // A release may add a migration whose number is lower than one that ran already; each depends only on earlier releases.
    checkOrder: false,
    advisoryLockMode: 'wait',
    logger: {
      debug: (message) => log.debug(String(message)),
      info: (message) => log.debug(String(message)),
      warn: (message) => log.warn(String(message)),
      error: (message) => log.error(String(message)),
    },
  });
  return ran.map((migration) => migration.name);
}

/**
 * The folder of the migrations: next to the bundle on AWS, at the top of the project in the sources.
 *
 * @param start the folder of the running code.
 * @throws Error that names the folders that were searched, if none of them has migrations.
 */
export function migrationsDirectory(start = dirname(fileURLToPath(import.meta.url))): string {
  const places = [join(start, 'migrations'), join(start, '..', '..', 'migrations')];
  const found = places.find((place) => existsSync(place));
  if (!found) throw new Error(`There are no migrations in ${places.join(' or ')}.`);
  return found;
}
