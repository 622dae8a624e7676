import { fork } from 'node:child_process';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';

/** Where the backing servers listen. */
export interface BackingAddresses {
  databaseUrl: string;
  redisUrl: string;
  /** Path of a Unix socket of the same Redis, which is faster for the functions. Only if Redis was started here. */
  redisSocket?: string | undefined;
  dynamodbEndpoint: string;
}

export interface BackingRequest extends Partial<BackingAddresses> {
  /** Data folder of the servers that are started here. */
  directory: string;
  /** Whether data must survive; false for tests. */
  durable: boolean;
}

export type BackingReply = { ready: BackingAddresses } | { failed: string };

export interface BackingServices extends BackingAddresses {
  /** Resolves with a sentence if a server ends by itself. */
  failed: Promise<string>;
  /** Stops all servers that were started here. Later calls do nothing. */
  stop(): Promise<void>;
}

/**
 * Starts PostgreSQL, Redis and a DynamoDB-compatible server in a separate process, except those whose address is given.
 * They end at `stop()`, or when this process ends for any reason.
 *
 * @throws Error with one sentence for the user if a server cannot start.
 */
export async function startBackingServices(request: BackingRequest): Promise<BackingServices> {
  await mkdir(request.directory, { recursive: true });
  const owner = fork(join(import.meta.dirname, 'main.ts'), {
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
    // Its own process group, so that Ctrl-C in the terminal does not end it; the parent decides when the servers end.
    detached: true,
  });
  let fail: (sentence: string) => void = () => {};
  const failed = new Promise<string>((resolve) => {
    fail = resolve;
  });
  let isStopping = false;
  owner.once('exit', (code) => {
    // After an orderly stop the code is 0. A server or the process may also end by itself just before it is stopped.
    if (!isStopping || code !== 0) fail('The process of the backing servers ended unexpectedly; start again.');
  });
  const ended = new Promise<void>((resolve) => owner.once('exit', () => resolve()));
  const addresses = await new Promise<BackingAddresses>((resolve, reject) => {
    owner.on('message', (reply: BackingReply) => {
      if ('ready' in reply) return resolve(reply.ready);
      fail(reply.failed);
    });
    void failed.then((sentence) => reject(new Error(sentence)));
    owner.send(request);
  });
  return {
    ...addresses,
    failed,
    async stop() {
      isStopping = true;
      if (owner.connected) owner.disconnect();
      await ended;
    },
  };
}

/**
 * Says why a start failed that used the servers. A call to a server that has ended fails before the end of its process is reported, so
 * this stops the servers and sees how they ended.
 *
 * @returns the sentence about the servers if they ended by themselves, else the given error.
 */
export async function causeOfFailure(services: BackingServices, error: unknown): Promise<unknown> {
  await services.stop();
  const sentence = await Promise.race([services.failed, undefined]);
  return sentence === undefined ? error : new Error(sentence, { cause: error });
}
