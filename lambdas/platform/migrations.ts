import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { runner } from 'node-pg-migrate';
import type { PoolConfig } from 'pg';
import { log } from './log.ts';

/**
 * Brings a database up to date: each migration that it has not seen runs in its own transaction, in the order of the
 * file names. An advisory lock lets only one caller do so at a time; a second one waits and then finds nothing to do.
 *
 * @param target how to connect; a migration may take longer than any request, so pass no statement timeout.
 * @param directory where the `.sql` files lie.
 * @returns names of the migrations that ran now.
 */
export async function migrate(target: string | PoolConfig, directory = migrationsDirectory()): Promise<string[]> {
  const ran = await runner({
    databaseUrl: target,
    dir: directory,
    // Only SQL in order is a migration: an editor's backup beside it is none.
    ignorePattern: '(?!\\d{4}-[\\w-]+\\.sql$).*',
    direction: 'up',
    migrationsTable: 'migrations',
    singleTransaction: false,
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
 * Where the migrations lie: beside the bundle once deployed, at the top of the project in the sources.
 *
 * @param start the folder of the running code.
 * @throws Error naming the places it looked at when there are none.
 */
export function migrationsDirectory(start = dirname(fileURLToPath(import.meta.url))): string {
  const places = [join(start, 'migrations'), join(start, '..', '..', 'migrations')];
  const found = places.find((place) => existsSync(place));
  if (!found) throw new Error(`There are no migrations in ${places.join(' or ')}.`);
  return found;
}
