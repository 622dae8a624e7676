import { chmod, mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Redis } from 'ioredis';
import { Pool } from 'pg';
import { ServerProcesses } from '../../local/backing/child.ts';
import { type LocalPostgres, startPostgres } from '../../local/backing/postgres.ts';
import { type LocalRedis, startRedis } from '../../local/backing/redis.ts';
import { killGroup } from '../../local/processes/bound-process.ts';
import { type LocalStack, startLocalStack } from '../../local/stack.ts';
import { StoreGate } from '../support/store-gate.ts';

/** A stack with servers of its own, which a drill may kill, behind addresses that stay. */
export interface Venue {
  stack: LocalStack;
  gates: { postgres: StoreGate; redis: StoreGate };
  postgres: LocalPostgres;
  redis: LocalRedis;
  /** The data of PostgreSQL, and the folder to which it copies its write-ahead log. */
  data: string;
  archive: string;
  /** Starts PostgreSQL on a data folder. It writes to disk, as RDS does. */
  startPostgres(data: string, settings?: Record<string, string>): Promise<LocalPostgres>;
  startRedis(): Promise<LocalRedis>;
  /** Ends a server without a warning. */
  kill(server: LocalPostgres | LocalRedis): Promise<void>;
  /** Runs work with a connection of the owner to the server that is in use. */
  asOwner<T>(work: (pool: Pool) => Promise<T>): Promise<T>;
  /** Removes everything from Redis. */
  emptyCache(): Promise<void>;
  close(): Promise<void>;
}

/** @param settings of the product, such as shorter durations. */
export async function openVenue(settings: Record<string, string>): Promise<Venue> {
  const directory = await mkdtemp(join(tmpdir(), 'rollcall-drill-'));
  const [data, archive] = [join(directory, 'servers', 'postgres'), join(directory, 'servers', 'archive')];
  await mkdir(archive, { recursive: true });
  // PostgreSQL may run as another user.
  await chmod(archive, 0o777);
  const processes = new ServerProcesses();
  const startDatabase = (folder: string, more = {}) => startPostgres(folder, true, processes, more);
  const archiving = { archive_mode: 'on', archive_command: `cp %p ${archive}/%f` };
  const [postgres, redis] = await Promise.all([
    startDatabase(data, archiving),
    startRedis(join(directory, 'servers'), processes),
  ]);
  const gates = { postgres: new StoreGate(postgres.url), redis: new StoreGate(redis.url) };
  await Promise.all([gates.postgres.open(), gates.redis.open()]);
  const stack = await startLocalStack({
    dataDirectory: join(directory, 'stack'),
    environment: settings,
    backing: { databaseUrl: gates.postgres.url, redisUrl: gates.redis.url },
  });
  const venue: Venue = {
    ...{ stack, gates, postgres, redis, data, archive },
    startPostgres: startDatabase,
    startRedis: () => startRedis(join(directory, 'servers'), processes),
    async kill({ server }) {
      killGroup(server.process);
      await server.ended;
    },
    async asOwner(work) {
      const pool = new Pool({ connectionString: venue.postgres.url, max: 2 });
      // A drill may kill the server.
      pool.on('error', () => {});
      try {
        return await work(pool);
      } finally {
        await pool.end();
      }
    },
    async emptyCache() {
      const client = new Redis(venue.redis.url);
      await client.flushall();
      client.disconnect();
    },
    async close() {
      await stack.close();
      await Promise.all([gates.postgres.shut(), gates.redis.shut()]);
      await processes.stopAll();
      await rm(directory, { recursive: true, force: true });
    },
  };
  return venue;
}
