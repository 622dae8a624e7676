import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Redis } from 'ioredis';
import { Pool } from 'pg';
import { migrate } from '../../lambdas/platform/migrations.ts';
import { startBackingServices } from '../../local/backing/services.ts';
import { readTimings } from '../../protocol/timings.ts';
import { type Arrived, startGateway } from './gateway.ts';
import { Generator } from './generator.ts';
import { Sweepers } from './sweepers.ts';

/** Servers for sweeps, and the generator of their load. */
export interface SweepWorld {
  redis: Redis;
  pool: Pool;
  generator: Generator;
  /** Time from the last sign of life until a user is offline, in milliseconds. */
  offlineAfterMillis: number;
  /** All posts since the list was last emptied. */
  arrived: Arrived[];
  calls(): number;
  startSweepers(many: number): Sweepers;
}

/** Runs the work with a new Redis and a new PostgreSQL. Writes are synchronized to the disk, as in production. */
export async function withSweepWorld<T>(settings: Record<string, string>, work: (world: SweepWorld) => Promise<T>) {
  const directory = await mkdtemp(join(tmpdir(), 'rollcall-sweep-'));
  const services = await startBackingServices({ directory, durable: true });
  const arrived: Arrived[] = [];
  const gateway = await startGateway((one) => arrived.push(one));
  const [redis, pool] = [new Redis(services.redisUrl), new Pool({ connectionString: services.databaseUrl, max: 4 })];
  const timings = readTimings(settings);
  const environment = {
    ...settings,
    ...{ REDIS_URL: services.redisSocket ?? services.redisUrl, DATABASE_URL: services.databaseUrl },
    ...{ CONNECTIONS_TABLE: 'unused', OUTBOX_TABLE: 'unused', INVITE_SECRET_ARN: 'unused' },
    ...{ MANAGEMENT_ENDPOINT: `${gateway.url}/live`, AWS_ENDPOINT_URL: gateway.url },
    ...{ AWS_REGION: 'us-east-1', AWS_ACCESS_KEY_ID: 'bench', AWS_SECRET_ACCESS_KEY: 'bench' },
  };
  try {
    await migrate(services.databaseUrl, join(import.meta.dirname, '..', '..', 'migrations'));
    return await work({
      ...{ redis, pool, arrived, calls: gateway.calls, offlineAfterMillis: timings.offlineAfterMillis },
      generator: new Generator(redis, pool, timings),
      startSweepers: (many) => new Sweepers(many, environment),
    });
  } finally {
    redis.disconnect();
    await Promise.all([pool.end(), gateway.stop()]);
    await services.stop();
    await rm(directory, { recursive: true, force: true });
  }
}
