import { createHash } from 'node:crypto';
import { copyFileSync, mkdtempSync, readdirSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

export const project = join(__dirname, '..', '..');

/** The release before: its commit, and its migrations with the SHA-256 of their files. Each release replaces the file. */
export const released = JSON.parse(readFileSync(join(__dirname, 'released.json'), 'utf8')) as {
  commit: string;
  migrations: Record<string, string>;
};

export const hashOfMigration = (file: string) =>
  createHash('sha256')
    .update(readFileSync(join(project, 'migrations', file)))
    .digest('hex');

/** A folder with the migrations of the release before. The caller removes it. */
export function releasedMigrations(): string {
  const directory = mkdtempSync(join(tmpdir(), 'rollcall-released-'));
  for (const file of Object.keys(released.migrations)) {
    copyFileSync(join(project, 'migrations', file), join(directory, file));
  }
  return directory;
}

/** The migrations that came after it. */
export const laterMigrations = () =>
  readdirSync(join(project, 'migrations')).filter((file) => file.endsWith('.sql') && !(file in released.migrations));
