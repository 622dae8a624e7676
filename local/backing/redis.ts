import { access, constants } from 'node:fs/promises';
import { delimiter, join, resolve } from 'node:path';
import { type ServerChild, startServer } from './child.ts';
import { freePort } from './free-port.ts';

export interface LocalRedis {
  url: string;
  /** Path of a socket to the same server: a command costs a fifth less without the network. */
  socket: string | undefined;
  server: ServerChild;
}

/** Names of the server's program, the preferred one first. */
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

/** The system's addresses have room for so many bytes of a path; macOS has the least. */
const longestSocketPath = 103;

/** Where the socket of a Redis with its files in a folder is; undefined where no client could name that place. */
function socketIn(folder: string): string | undefined {
  const socket = resolve(folder, 'redis.sock');
  return Buffer.byteLength(socket) <= longestSocketPath && !socket.includes('?') ? socket : undefined;
}

/**
 * Starts Redis on a free loopback port, and on a socket in a folder where one is given, keeping nothing on disk: presence
 * is rebuilt, never restored.
 */
export async function startRedis(folder?: string): Promise<LocalRedis> {
  const program = await findRedisServer();
  if (!program) {
    throw new Error(
      'No Redis was found: install redis-server or valkey-server, or set REDIS_URL to a server that already runs.',
    );
  }
  const port = await freePort();
  const socket = folder === undefined ? undefined : socketIn(folder);
  const server = await startServer(
    program,
    [
      ...['--port', String(port), '--bind', '127.0.0.1', '--save', '', '--appendonly', 'no', '--daemonize', 'no'],
      ...(socket ? ['--unixsocket', socket, '--unixsocketperm', '700'] : []),
    ],
    (output) => output.toLowerCase().includes('ready to accept connections'),
  );
  return { url: `redis://127.0.0.1:${port}`, socket, server };
}
