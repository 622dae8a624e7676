import { DatabaseSync } from 'node:sqlite';
import { setTimeout as pause } from 'node:timers/promises';

/** An exclusive lock of this process on a file. */
export interface FileLock {
  release(): void;
}

const sqliteBusy = 5;
const retryMillis = 25;

/**
 * Takes the exclusive lock on a file. It creates the file and never writes into it. The operating system binds the lock
 * to the file itself, so another path to it (a symlink, a mount in a container) leads to the same lock. The lock ends
 * with its process, so it cannot become stale. Node.js has no function for file locks; its built-in SQLite has.
 *
 * This process must not open the file in another way: when a process closes a file, the system releases its locks on
 * it.
 *
 * @returns undefined if another process, or another caller in this process, holds the lock.
 * @throws the error of SQLite if the file cannot be opened for writing.
 */
export function tryLock(file: string): FileLock | undefined {
  const database = new DatabaseSync(file, { timeout: 0 });
  try {
    // No journal file, because it would remain after a kill.
    database.exec('PRAGMA journal_mode = MEMORY; PRAGMA locking_mode = EXCLUSIVE; BEGIN EXCLUSIVE');
    return { release: () => database.close() };
  } catch (error) {
    database.close();
    if ((error as { errcode?: number }).errcode === sqliteBusy) return undefined;
    throw error;
  }
}

/** Retries until it has the lock. @returns undefined if the lock is still held after this time. */
export async function waitForLock(file: string, withinMillis: number): Promise<FileLock | undefined> {
  const end = performance.now() + withinMillis;
  for (;;) {
    const lock = tryLock(file);
    if (lock || performance.now() >= end) return lock;
    await pause(retryMillis);
  }
}
