import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';

/**
 * Runs the work under a lock file: a second process with the same name waits. The lock of a process that ended without
 * releasing it is removed.
 *
 * @param name name of the work that must not run twice at once.
 */
export async function inTurn(name, work) {
  const file = join(tmpdir(), `rollcall-${process.getuid?.() ?? 0}-${name}.lock`);
  let waiting = false;
  while (!take(file)) {
    if (!waiting) process.stdout.write('Another start is installing; waiting for it …\n');
    waiting = true;
    await wait(300);
  }
  try {
    return await work();
  } finally {
    rmSync(file, { force: true });
  }
}

function take(file) {
  try {
    writeFileSync(file, String(process.pid), { flag: 'wx' });
    return true;
  } catch (error) {
    if (error.code !== 'EEXIST') throw error;
    if (!isHeld(file)) rmSync(file, { force: true });
    return false;
  }
}

function isHeld(file) {
  const pid = Number(readIfThere(file));
  // The file is empty for a moment between its creation and the write.
  if (!Number.isInteger(pid) || pid <= 0) return true;
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error.code === 'EPERM';
  }
}

function readIfThere(file) {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    if (error.code === 'ENOENT') return '';
    throw error;
  }
}
