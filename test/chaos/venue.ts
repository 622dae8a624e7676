import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Redis } from 'ioredis';
import { Pool } from 'pg';
import { startBackingServices } from '../../local/backing/services.ts';
import { type LocalStack, startLocalStack } from '../../local/stack.ts';
import { StoreGate } from '../support/store-gate.ts';

/** Where chaos happens: a stack, its stores by a way that nothing interrupts, and the doors that can be shut. */
export interface Venue extends Pick<LocalStack, 'http' | 'websocket' | 'faults' | 'fireSchedule'> {
  database: Pool;
  redis: Redis;
  lines: string[];
  stores: { redis: StoreGate; database: StoreGate };
}

export interface OwnVenue extends Venue {
  /** Resolves with a sentence if a server ends by itself: then nothing that is found means anything. */
  failed: Promise<string>;
  close(): Promise<void>;
}

/** Starts a stack with servers of its own, for a run outside the tests. */
export async function openVenue(settings: Record<string, string>): Promise<OwnVenue> {
  const directory = await mkdtemp(join(tmpdir(), 'rollcall-chaos-'));
  const services = await startBackingServices({
    // The stack takes its data folder for itself.
    directory: join(directory, 'servers'),
    durable: false,
    redisUrl: process.env['REDIS_URL'],
  });
  const stores = { redis: new StoreGate(services.redisUrl), database: new StoreGate(services.databaseUrl) };
  await Promise.all([stores.redis.open(), stores.database.open()]);
  const redis = new Redis(services.redisUrl);
  // A server that ended is told by `failed`.
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
