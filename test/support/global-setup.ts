import { chmod, mkdir, mkdtemp, rm } from 'node:fs/promises';
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
  // Temporary files of the tests and of the programs that they start end with the run.
  process.env['TMPDIR'] = await temporaryFolder(globalThis.backingDirectory);
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

/** Like the machine's own folder for temporary files, it may be used by every user: some tests start programs as another user. */
async function temporaryFolder(parent: string): Promise<string> {
  const folder = join(parent, 'tmp');
  await mkdir(folder);
  await chmod(parent, 0o711);
  await chmod(folder, 0o1777);
  return folder;
}

export async function tearDown(): Promise<void> {
  await globalThis.backingServices?.stop();
  if (globalThis.backingDirectory) await rm(globalThis.backingDirectory, { recursive: true, force: true });
}
