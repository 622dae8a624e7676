import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { sendAwsError } from './replies.ts';

/** Answers the requests of one emulated service. */
export interface ServiceHandler {
  handle(request: IncomingMessage, response: ServerResponse): Promise<void>;
}

export interface ServiceServer {
  endpoint: string;
  close(): Promise<void>;
}

/** Long, because a frozen function does not notice that an idle socket was closed until it uses it. */
export const keepAliveMillis = 15 * 60_000;

/** Serves one emulated AWS service on a free loopback port. */
export async function startServiceServer(service: ServiceHandler): Promise<ServiceServer> {
  const server = createServer({ keepAliveTimeout: keepAliveMillis }, (request, response) => {
    service.handle(request, response).catch((error: Error) => {
      if (!response.headersSent) sendAwsError(response, 500, 'InternalFailure', error.message);
      else response.destroy();
    });
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(0, '127.0.0.1', resolve);
  });
  return { endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, close: () => closeServer(server) };
}

/** Closes a server and the sockets that are still open. */
export function closeServer(server: Server): Promise<void> {
  return new Promise((resolve) => {
    server.close(() => resolve());
    server.closeAllConnections();
  });
}
