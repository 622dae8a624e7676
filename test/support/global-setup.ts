import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type BackingServices, startBackingServices } from '../../local/backing/services.ts';
import { publishSlowness } from './time-limits.ts';

declare global {
  var backingServices: BackingServices | undefined;
  var backingDirectory: string | undefined;
}

/** Starts one PostgreSQL, Redis and DynamoDB-compatible server for the whole run. Tests create their own databases. */
export default async function setUp(): Promise<void> {
  await publishSlowness();
  globalThis.backingDirectory = await mkdtemp(join(tmpdir(), 'rollcall-test-'));
  const services = await startBackingServices({
    directory: globalThis.backingDirectory,
    durable: false,
    // If no Redis can be installed, `npm test` sets the address of a running one.
    redisUrl: process.env['REDIS_URL'],
  });
  globalThis.backingServices = services;
  process.env['TEST_DATABASE_URL'] = services.databaseUrl;
  process.env['TEST_REDIS_URL'] = services.redisUrl;
  process.env['TEST_DYNAMODB_ENDPOINT'] = services.dynamodbEndpoint;
}

export async function tearDown(): Promise<void> {
  await globalThis.backingServices?.stop();
  if (globalThis.backingDirectory) await rm(globalThis.backingDirectory, { recursive: true, force: true });
}
