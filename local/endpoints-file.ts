import { rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

/** Where a running stack listens. */
export interface StackAddresses {
  http: string;
  websocket: string;
  management: string;
  addresses: { redisUrl: string; databaseUrl: string; dynamodbEndpoint: string };
}

/**
 * Writes the addresses of the stack to a file for other programs. The write is atomic, and only the owner can read the
 * file, because it contains a password.
 *
 * @returns its path.
 */
export async function writeEndpoints(dataDirectory: string, stack: StackAddresses): Promise<string> {
  const file = join(dataDirectory, 'endpoints.json');
  const endpoints = {
    http: stack.http,
    websocket: stack.websocket,
    management: stack.management,
    redis: stack.addresses.redisUrl,
    postgres: stack.addresses.databaseUrl,
    dynamodb: stack.addresses.dynamodbEndpoint,
    pid: process.pid,
  };
  await writeFile(`${file}.${process.pid}`, `${JSON.stringify(endpoints, null, 2)}\n`, { mode: 0o600 });
  await rename(`${file}.${process.pid}`, file);
  return file;
}

/** Removes the file. The caller must hold the lock of the data folder. */
export async function removeEndpoints(dataDirectory: string): Promise<void> {
  await rm(join(dataDirectory, 'endpoints.json'), { force: true });
}
