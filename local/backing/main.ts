/**
 * The process that owns the backing servers. It ends them when its parent disconnects, in whatever way the parent ended,
 * so that a crash leaves nothing running.
 */
import { join } from 'node:path';
import { type LocalDynamoDb, startDynamoDb } from './dynamodb.ts';
import { type LocalPostgres, startPostgres } from './postgres.ts';
import { type LocalRedis, startRedis } from './redis.ts';
import type { BackingReply, BackingRequest } from './services.ts';

let postgres: LocalPostgres | undefined;
let redis: LocalRedis | undefined;
let dynamodb: LocalDynamoDb | undefined;
let ending = false;

async function start(request: BackingRequest): Promise<BackingReply> {
  const folder = request.directory;
  await Promise.all([
    request.databaseUrl ?? startPostgres(join(folder, 'postgres'), request.durable).then((value) => (postgres = value)),
    request.redisUrl ?? startRedis(folder).then((value) => (redis = value)),
    request.dynamodbEndpoint ??
      startDynamoDb(request.durable ? join(folder, 'dynamodb') : undefined).then((value) => (dynamodb = value)),
  ]);
  for (const [name, server] of [
    ['PostgreSQL', postgres?.server],
    ['Redis', redis?.server],
  ] as const) {
    void server?.ended.then((how) => {
      if (!ending) void end(`${name} ended with ${how}: ${server.lastLines()}`);
    });
  }
  return {
    ready: {
      databaseUrl: request.databaseUrl ?? postgres!.url,
      redisUrl: request.redisUrl ?? redis!.url,
      redisSocket: redis?.socket,
      dynamodbEndpoint: request.dynamodbEndpoint ?? dynamodb!.endpoint,
    },
  };
}

async function end(failure?: string): Promise<void> {
  if (ending) return;
  ending = true;
  if (failure !== undefined && process.connected) process.send?.({ failed: failure } satisfies BackingReply);
  // SIGINT is PostgreSQL's fast shutdown: sessions are cut, data is written.
  await Promise.all([postgres?.server.stop('SIGINT'), redis?.server.stop('SIGTERM'), dynamodb?.stop()]);
  process.exit(failure === undefined ? 0 : 1);
}

// The terminal sends Ctrl-C to the whole group; the parent decides when the servers may go.
process.on('SIGINT', () => {});
process.on('SIGTERM', () => void end());
process.on('disconnect', () => void end());
process.once('message', (request: BackingRequest) => {
  start(request).then(
    (reply) => process.send?.(reply),
    (error: Error) => end(error.message),
  );
});
