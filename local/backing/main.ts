/**
 * The process that owns the backing servers. It ends them when its parent disconnects, so a crash of the parent leaves
 * no server running. If this process itself is killed, the watcher of each server ends the server.
 */
import { join } from 'node:path';
import { claimServers } from '../data-folder/data-folder.ts';
import type { FileLock } from '../data-folder/file-lock.ts';
import { type ServerChild, ServerProcesses } from './child.ts';
import { type LocalDynamoDb, startDynamoDb } from './dynamodb.ts';
import { startPostgres } from './postgres.ts';
import { startRedis } from './redis.ts';
import type { BackingAddresses, BackingReply, BackingRequest } from './services.ts';

const processes = new ServerProcesses();
let dynamodb: LocalDynamoDb | undefined;
/** Held until this process ends. Without a reference, the lock would be garbage-collected and released. */
let lock: FileLock | undefined;
let ending = false;

async function start(request: BackingRequest): Promise<BackingAddresses> {
  const folder = request.directory;
  lock = await claimServers(folder);
  const [postgres, redis, tables] = await Promise.all([
    request.databaseUrl === undefined
      ? startPostgres(join(folder, 'postgres'), request.durable, processes)
      : { url: request.databaseUrl, server: undefined },
    request.redisUrl === undefined
      ? startRedis(folder, processes)
      : { url: request.redisUrl, socket: undefined, server: undefined },
    request.dynamodbEndpoint === undefined
      ? startDynamoDb(request.durable ? join(folder, 'dynamodb') : undefined).then((server) => (dynamodb = server))
      : { endpoint: request.dynamodbEndpoint },
  ]);
  endWith('PostgreSQL', postgres.server);
  endWith('Redis', redis.server);
  return {
    databaseUrl: postgres.url,
    redisUrl: redis.url,
    redisSocket: redis.socket,
    dynamodbEndpoint: tables.endpoint,
  };
}

function endWith(name: string, server: ServerChild | undefined): void {
  void server?.ended.then((how) => end(`${name} ended with ${how}: ${server.lastLines()}`));
}

/** Ends the servers and then this process. Later calls do nothing. */
async function end(failure?: string): Promise<void> {
  if (ending) return;
  ending = true;
  if (failure !== undefined) tell({ failed: failure });
  await Promise.all([processes.stopAll(), dynamodb?.stop()]);
  lock?.release();
  process.exit(failure === undefined ? 0 : 1);
}

function tell(reply: BackingReply): void {
  if (process.connected) process.send?.(reply);
}

process.on('SIGTERM', () => void end());
process.on('disconnect', () => void end());
process.once('message', (request: BackingRequest) => {
  // The parent may have ended before this process listened.
  if (!process.connected) return void end();
  start(request).then(
    (ready) => tell({ ready }),
    (error: Error) => end(error.message),
  );
});
