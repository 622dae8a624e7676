import { spawn, spawnSync } from 'node:child_process';
import { accessSync, constants, statSync } from 'node:fs';
import { platform } from 'node:os';
import { delimiter, join } from 'node:path';

/** An error whose message is one sentence with one next step for the user. */
export class Advice extends Error {}

/** The first of the programs that is on the PATH, or undefined. */
export function findProgram(names, path = process.env.PATH ?? '') {
  for (const name of names) {
    for (const folder of path.split(delimiter)) {
      const file = join(folder, name);
      if (folder !== '' && isProgram(file)) return file;
    }
  }
  return undefined;
}

export function isProgram(file) {
  try {
    accessSync(file, constants.X_OK);
    return statSync(file).isFile();
  } catch {
    return false;
  }
}

/**
 * Runs a program until it ends, and returns its exit code. Every five seconds it prints that the program still runs.
 *
 * @param doing the printed text, "Installing …".
 */
export async function runWithProgress(doing, program, args, options = {}) {
  const startedAt = Date.now();
  process.stdout.write(`${doing} …\n`);
  const reminder = setInterval(() => {
    process.stdout.write(`${doing} … (${Math.round((Date.now() - startedAt) / 1000)} s)\n`);
  }, 5000);
  try {
    return await new Promise((resolve, reject) => {
      const child = spawn(program, args, { stdio: ['ignore', 'inherit', 'inherit'], ...options });
      child.once('error', reject);
      child.once('exit', (code) => resolve(code ?? 1));
    });
  } finally {
    clearInterval(reminder);
  }
}

/**
 * Finds how system packages can be installed without a password: `apt` (with the prefix of its commands), `brew` or
 * undefined.
 */
export function findSystemInstaller() {
  if (platform() === 'darwin') return findProgram(['brew']) ? { kind: 'brew' } : undefined;
  if (!findProgram(['apt-get'])) return undefined;
  if (process.getuid?.() === 0) return { kind: 'apt', prefix: [] };
  const sudo = findProgram(['sudo']);
  if (sudo && spawnSync(sudo, ['-n', 'true'], { stdio: 'ignore' }).status === 0) {
    return { kind: 'apt', prefix: [sudo, '-n'] };
  }
  return undefined;
}

/**
 * Installs one Debian package. A service in the package is started neither now nor at boot, because Rollcall starts and
 * stops its own server.
 */
const aptScript = `
set -e
export DEBIAN_FRONTEND=noninteractive
policy=/usr/sbin/policy-rc.d
if [ ! -e "$policy" ]; then
  trap 'rm -f "$policy"' EXIT
  trap 'exit 130' INT TERM HUP
  printf '#!/bin/sh\\nexit 101\\n' > "$policy"
  chmod 755 "$policy"
fi
install() { apt-get install -y -qq --no-install-recommends -o DPkg::Lock::Timeout=300 -o Dpkg::Use-Pty=0 "$1" </dev/null; }
install "$1" || { apt-get update -qq; install "$1"; }
if [ -n "$2" ] && command -v systemctl >/dev/null 2>&1; then systemctl disable "$2" >/dev/null 2>&1 || true; fi
`;

/** @returns whether the package was installed. */
export async function installSystemPackage(installer, { apt, brew, service = '' }) {
  if (installer.kind === 'brew') {
    const env = { ...process.env, HOMEBREW_NO_AUTO_UPDATE: '1' };
    return (await runWithProgress(`Installing ${brew} with Homebrew`, 'brew', ['install', brew], { env })) === 0;
  }
  const [program, ...args] = [...installer.prefix, 'sh', '-c', aptScript, 'sh', apt, service];
  return (await runWithProgress(`Installing ${apt} with apt-get`, program, args)) === 0;
}
