import { execFile } from 'node:child_process';
import { copyFile, cp, mkdir, mkdtemp, rm, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);
const project = join(__dirname, '../..');

/** What the build of the package reads. */
const sources = ['client', 'protocol', 'scripts', 'package.json', 'tsconfig.json'];

/**
 * Packs the client as `npm pack ./client` does. It does so in a copy of the sources, because the build replaces
 * `client/dist`, and tests that run at the same time must not replace it for each other.
 *
 * @param folder where the package goes.
 * @returns the path of the `.tgz` file.
 */
export async function packClient(folder: string): Promise<string> {
  const copy = await mkdtemp(join(tmpdir(), 'rollcall-sources-'));
  try {
    await copySources(copy);
    const { stdout } = await run('npm', ['pack', './client', '--pack-destination', folder, '--json'], { cwd: copy });
    const [{ filename }] = JSON.parse(stdout.slice(stdout.indexOf('[\n')));
    return join(folder, filename);
  } finally {
    await rm(copy, { recursive: true, force: true });
  }
}

/** Copies what `npm pack ./client` needs into an existing folder. */
export async function copySources(copy: string): Promise<void> {
  const dist = join(project, 'client/dist');
  for (const source of sources) {
    if (/\.json$/.test(source)) await copyFile(join(project, source), join(copy, source));
    else await cp(join(project, source), join(copy, source), { recursive: true, filter: (path) => path !== dist });
  }
  await symlink(join(project, 'node_modules'), join(copy, 'node_modules'));
}

/**
 * Makes an application with the packed client in it, and links packages of this project beside it.
 *
 * @param folder an existing folder.
 * @param packages names of packages, or of scopes such as `@codemirror`.
 */
export async function installClient(folder: string, packages: readonly string[] = []): Promise<void> {
  const file = await packClient(folder);
  await run('npm', ['install', '--offline', '--no-audit', '--no-fund', file], { cwd: folder });
  await linkPackages(folder, packages);
}

async function linkPackages(folder: string, packages: readonly string[]): Promise<void> {
  for (const name of packages) {
    const link = join(folder, 'node_modules', name);
    await mkdir(dirname(link), { recursive: true });
    await symlink(join(project, 'node_modules', name), link);
  }
}
