import { access, constants } from 'node:fs/promises';
import { delimiter, join } from 'node:path';
import { type ServerChild, startServer } from './child.ts';
import { freePort } from './free-port.ts';

export interface LocalRedis {
  url: string;
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

/** Starts Redis on a free loopback port, keeping nothing on disk: presence is rebuilt, never restored. */
export async function startRedis(): Promise<LocalRedis> {
  const program = await findRedisServer();
  if (!program) {
    throw new Error(
      'No Redis was found: install redis-server or valkey-server, or set REDIS_URL to a server that already runs.',
    );
  }
  const port = await freePort();
  const server = await startServer(
    program,
    ['--port', String(port), '--bind', '127.0.0.1', '--save', '', '--appendonly', 'no', '--daemonize', 'no'],
    (output) => output.toLowerCase().includes('ready to accept connections'),
  );
  return { url: `redis://127.0.0.1:${port}`, server };
}
