import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';

const folder = import.meta.dirname;

/**
 * Installs the servers for comparison from the lock file in this folder, unless they are installed.
 *
 * @throws Error if npm fails.
 */
export async function installPeers(): Promise<void> {
  if (await isInstalled()) return;
  console.log('  Installing the servers to compare with (bench/peers, about 300 MB) …');
  const npm = spawn('npm', ['ci', '--no-audit', '--no-fund', '--ignore-scripts', '--loglevel=error'], {
    cwd: folder,
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  const [code] = (await once(npm, 'exit')) as [number | null];
  if (code !== 0) throw new Error(`npm could not install bench/peers (code ${code}).`);
}

async function isInstalled(): Promise<boolean> {
  const record = join(folder, 'node_modules', '.package-lock.json');
  if (!existsSync(record)) return false;
  const packagesOf = async (file: string) => {
    const { packages } = JSON.parse(await readFile(file, 'utf8')) as { packages: Record<string, { version?: string }> };
    return packages;
  };
  const [wanted, present] = await Promise.all([packagesOf(join(folder, 'package-lock.json')), packagesOf(record)]);
  const { dependencies } = JSON.parse(await readFile(join(folder, 'package.json'), 'utf8')) as {
    dependencies: Record<string, string>;
  };
  return Object.keys(dependencies).every((name) => {
    const path = `node_modules/${name}`;
    return present[path] !== undefined && present[path].version === wanted[path]?.version;
  });
}
