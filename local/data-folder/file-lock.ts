import { DatabaseSync } from 'node:sqlite';
import { setTimeout as pause } from 'node:timers/promises';

/** An exclusive lock of this process on a file. */
export interface FileLock {
  release(): void;
}

const sqliteBusy = 5;
const retryMillis = 25;

/**
 * Takes the exclusive lock on a file; makes the file, and never writes into it. The operating system keeps the lock by the
 * file itself, so another path to it (a symlink, a mount in a container) meets the same lock, and the lock ends with its
 * process, in whatever way that ends. There is no stale lock. Node.js itself has no such call; SQLite, which it contains,
 * has.
 *
 * Nothing in this process may open the file by other means: the system drops a process's locks when it closes the file.
 *
 * @returns undefined when another process, or another caller in this one, holds the lock.
 * @throws the error of SQLite when the file cannot be opened for writing.
 */
export function tryLock(file: string): FileLock | undefined {
  const database = new DatabaseSync(file, { timeout: 0 });
  try {
    // No journal: a file of that name would stay behind after a kill.
    database.exec('PRAGMA journal_mode = MEMORY; PRAGMA locking_mode = EXCLUSIVE; BEGIN EXCLUSIVE');
    return { release: () => database.close() };
  } catch (error) {
    database.close();
    if ((error as { errcode?: number }).errcode === sqliteBusy) return undefined;
    throw error;
  }
}

/** Tries for the lock until it is free. @returns undefined when it is still held after the given time. */
export async function waitForLock(file: string, withinMillis: number): Promise<FileLock | undefined> {
  const end = performance.now() + withinMillis;
  for (;;) {
    const lock = tryLock(file);
    if (lock || performance.now() >= end) return lock;
    await pause(retryMillis);
  }
}
