import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';

/**
 * Does the work alone: a second start of the same name on this machine waits for its turn. Whoever ended without giving
 * the turn back (killed, power) is passed over.
 *
 * @param name names the thing that must not be done twice at once.
 */
export async function inTurn(name, work) {
  const file = join(tmpdir(), `rollcall-${process.getuid?.() ?? 0}-${name}.lock`);
  let told = false;
  while (!take(file)) {
    if (!told) process.stdout.write('Another start is installing; waiting for it …\n');
    told = true;
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
  // Empty for the moment between making the file and writing into it.
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
