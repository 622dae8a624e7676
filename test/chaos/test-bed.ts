import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Redis } from 'ioredis';
import { Pool } from 'pg';
import { startBackingServices } from '../../local/backing/services.ts';
import { type LocalStack, startLocalStack } from '../../local/stack.ts';
import { StoreGate } from '../support/store-gate.ts';

/** The environment of a run: a stack, direct access to its stores, and proxies that can be closed. */
export interface TestBed extends Pick<LocalStack, 'http' | 'websocket' | 'faults' | 'fireSchedule'> {
  database: Pool;
  redis: Redis;
  lines: string[];
  stores: { redis: StoreGate; database: StoreGate };
}

export interface OwnVenue extends TestBed {
  /** Resolves with a sentence if a server ends by itself; the results are then invalid. */
  failed: Promise<string>;
  close(): Promise<void>;
}

/** Starts a stack with its own servers, for a run outside the tests. */
export async function openTestBed(settings: Record<string, string>): Promise<OwnVenue> {
  const directory = await mkdtemp(join(tmpdir(), 'rollcall-chaos-'));
  const services = await startBackingServices({
    // The stack locks its data folder.
    directory: join(directory, 'servers'),
    durable: false,
    redisUrl: process.env['REDIS_URL'],
  });
  const stores = { redis: new StoreGate(services.redisUrl), database: new StoreGate(services.databaseUrl) };
  await Promise.all([stores.redis.open(), stores.database.open()]);
  const redis = new Redis(services.redisUrl);
  // `failed` reports a server that ended.
  redis.on('error', () => {});
  const database = new Pool({ connectionString: services.databaseUrl, max: 4 });
  database.on('error', () => {});
  const lines: string[] = [];
  const stack = await startLocalStack({
    dataDirectory: directory,
    write: (line) => lines.push(line),
    environment: settings,
    backing: { ...services, databaseUrl: stores.database.url, redisUrl: stores.redis.url },
  });
  return {
    ...stack,
    stores,
    redis,
    database,
    lines,
    failed: services.failed,
    async close() {
      await stack.close();
      await Promise.all([stores.redis.shut(), stores.database.shut(), database.end()]);
      redis.disconnect();
      await services.stop();
      await rm(directory, { recursive: true, force: true });
    },
  };
}
