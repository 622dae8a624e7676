import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';

/** A frame that arrived at a connection. */
export interface Arrived {
  at: number;
  connectionId: string;
  frame: { type: string; leaves?: unknown[] };
}

/** Accepts posts as API Gateway does. It also accepts invocations of another sweep, which it only counts. */
export async function startGateway(hear: (arrived: Arrived) => void) {
  let calls = 0;
  const server = createServer({ keepAliveTimeout: 60_000 }, (request, response) => {
    const pieces: Buffer[] = [];
    request.on('data', (piece: Buffer) => pieces.push(piece));
    request.once('end', () => {
      response.writeHead(request.url!.includes('/functions/') ? 202 : 200, { 'content-length': 0 }).end();
      if (request.url!.includes('/functions/')) calls += 1;
      else {
        const connectionId = decodeURIComponent(request.url!.slice(request.url!.lastIndexOf('/') + 1));
        hear({ at: Date.now(), connectionId, frame: JSON.parse(Buffer.concat(pieces).toString()) });
      }
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return {
    url,
    /** How often a sweep started another one. */
    calls: () => calls,
    stop: () => new Promise<void>((resolve) => server.close(() => resolve()).closeAllConnections()),
  };
}
