import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import dynalite from 'dynalite';

export interface LocalDynamoDb {
  endpoint: string;
  stop(): Promise<void>;
}

/** A request that takes longer than this does not delay the end. */
const longestRequestMillis = 2000;

/**
 * Starts a DynamoDB-compatible server on a free loopback port.
 *
 * @param directory folder of the tables. Default: in memory.
 */
export async function startDynamoDb(directory: string | undefined): Promise<LocalDynamoDb> {
  const server: Server = dynalite({ createTableMs: 0, deleteTableMs: 0, updateTableMs: 0, path: directory });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(0, '127.0.0.1', resolve);
  });
  return {
    endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    stop: () =>
      new Promise((resolve) => {
        // A request that is being handled ends first: without its database it would end the process with an exception.
        const idle = setInterval(() => server.closeIdleConnections(), 20);
        const late = setTimeout(() => server.closeAllConnections(), longestRequestMillis);
        server.close(() => {
          clearInterval(idle);
          clearTimeout(late);
          resolve();
        });
        server.closeIdleConnections();
      }),
  };
}
