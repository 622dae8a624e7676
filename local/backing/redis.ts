import { randomBytes } from 'node:crypto';
import { access, constants, readdir, rm } from 'node:fs/promises';
import { delimiter, join, resolve } from 'node:path';
import { type ServerChild, ServerProcesses } from './child.ts';
import { freePort } from './free-port.ts';

export interface LocalRedis {
  url: string;
  /** Path of a Unix socket of the same server. A command through it takes a fifth less time than over TCP. */
  socket: string | undefined;
  server: ServerChild;
}

/** Names of the server program, the preferred one first. */
const programs = ['valkey-server', 'redis-server'];

/** The first Redis-compatible server on the PATH, or undefined. */
export async function findRedisServer(path = process.env['PATH'] ?? ''): Promise<string | undefined> {
  for (const program of programs) {
    for (const folder of path.split(delimiter)) {
      const file = join(folder, program);
      const found = await access(file, constants.X_OK).then(
        () => true,
        () => false,
      );
      if (found) return file;
    }
  }
  return undefined;
}

/** The longest path of a Unix socket in bytes; the limit of macOS is the lowest. */
const longestSocketPath = 103;

/**
 * The path of the Redis socket in a folder, or undefined if clients cannot use that path. The name is unique for each
 * server, because Redis removes its socket when it ends and must not remove that of its successor.
 */
function socketIn(folder: string): string | undefined {
  const socket = resolve(folder, `redis-${randomBytes(4).toString('hex')}.sock`);
  return Buffer.byteLength(socket) <= longestSocketPath && !socket.includes('?') ? socket : undefined;
}

/** Removes the sockets of servers that were killed. */
async function removeOldSockets(folder: string): Promise<void> {
  const names = await readdir(folder).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return [];
    throw error;
  });
  const sockets = names.filter((name) => /^redis(-[0-9a-f]{8})?\.sock$/.test(name));
  await Promise.all(sockets.map((name) => rm(join(folder, name), { force: true })));
}

/** @throws Error with one sentence for the user if no Redis is installed. */
export async function requireRedisServer(): Promise<string> {
  const program = await findRedisServer();
  if (program) return program;
  throw new Error(
    'No Redis was found: install redis-server or valkey-server, or set REDIS_URL to a server that already runs.',
  );
}

/**
 * Starts Redis on a free loopback port and, if a folder is given, on a Unix socket in it. It saves nothing to disk,
 * because presence is rebuilt and never restored.
 *
 * @param folder a folder that no other Redis uses.
 * @param processes owner that stops the server. Default: the caller stops it.
 */
export async function startRedis(folder?: string, processes = new ServerProcesses()): Promise<LocalRedis> {
  const program = await requireRedisServer();
  const port = await freePort();
  const socket = folder === undefined ? undefined : socketIn(folder);
  if (folder !== undefined) await removeOldSockets(folder);
  const server = await processes.start({
    command: program,
    arguments: [
      ...['--port', String(port), '--bind', '127.0.0.1', '--save', '', '--appendonly', 'no', '--daemonize', 'no'],
      ...(socket ? ['--unixsocket', socket, '--unixsocketperm', '700'] : []),
    ],
    ready: (output) => output.toLowerCase().includes('ready to accept connections'),
  });
  return { url: `redis://127.0.0.1:${port}`, socket, server };
}
