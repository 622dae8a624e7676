import { readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { LocalStack } from './stack.ts';

/** Tells other programs where the stack listens; written whole, and readable by the owner only: it holds a password. */
export async function writeEndpoints(dataDirectory: string, stack: LocalStack): Promise<void> {
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
}

/** Removes what a process left that was killed; the file of one that lives stays. */
export async function removeStaleEndpoints(dataDirectory: string): Promise<void> {
  const text = await readFile(join(dataDirectory, 'endpoints.json'), 'utf8').catch(() => undefined);
  const pid = Number(/"pid": (\d+)/.exec(text ?? '')?.[1]);
  if (text !== undefined && !isAlive(pid)) await removeEndpoints(dataDirectory);
}

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch (error) {
    // A process of somebody else lives, too.
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

export async function removeEndpoints(dataDirectory: string): Promise<void> {
  await rm(join(dataDirectory, 'endpoints.json'), { force: true });
}
