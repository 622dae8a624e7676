import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Duplex } from 'node:stream';
import { refuseHandshake } from './gateway/handshake.ts';
import { sendJson } from './services/replies.ts';
import { closeServer, keepAliveMillis } from './services/service-server.ts';

/** Answers a request and returns true, or returns false if it does not serve this path. */
export type Responder = (request: IncomingMessage, response: ServerResponse) => Promise<boolean> | boolean;
export type Upgrader = (request: IncomingMessage, socket: Duplex, head: Buffer) => Promise<void>;

/**
 * The public port of the stack. It is bound first, because the functions need its address and a taken port must be
 * reported at once. Until it is opened, all requests are answered 503.
 */
export class PublicServer {
  readonly port: number;
  readonly #server: Server;
  /** Upgraded sockets. The server does not close them itself and would wait for them without end. */
  readonly #upgraded = new Set<Duplex>();
  #responders: Responder[] | undefined;
  #upgrade: Upgrader | undefined;
  readonly #failed: (error: unknown) => void;

  private constructor(server: Server, failed: (error: unknown) => void) {
    this.#server = server;
    this.#failed = failed;
    this.port = (server.address() as AddressInfo).port;
    server.on('request', (request, response) => void this.#respond(request, response));
    server.on('upgrade', (request, socket, head) => {
      this.#upgraded.add(socket);
      socket.once('close', () => this.#upgraded.delete(socket));
      if (this.#upgrade) void this.#upgrade(request, socket, head);
      else refuseHandshake(socket, 503, 'Service Unavailable');
    });
  }

  /**
   * Binds a port of the loopback interface.
   *
   * @param port the port; 0 for any free one.
   * @param failed receives errors that no responder handled.
   * @throws Error with one sentence if the port is taken.
   */
  static async bind(port: number, failed: (error: unknown) => void): Promise<PublicServer> {
    const server = createServer({
      keepAliveTimeout: keepAliveMillis,
      // Other upgrades (`h2c`, which some HTTP clients offer) are declined, and the request is answered as HTTP/1.1.
      shouldUpgradeCallback: ({ headers }) => headers.upgrade?.trim().toLowerCase() === 'websocket',
    });
    await new Promise<void>((resolve, reject) => {
      server.once('error', (error: NodeJS.ErrnoException) =>
        reject(new Error(bindFailure(error, port), { cause: error })),
      );
      server.listen(port, '127.0.0.1', resolve);
    });
    return new PublicServer(server, failed);
  }

  /** Starts to accept requests. The first responder that serves the path answers. */
  open(responders: Responder[], upgrade: Upgrader): void {
    this.#responders = responders;
    this.#upgrade = upgrade;
  }

  /** Refuses new requests. Requests in progress may finish. */
  stopAccepting(): void {
    this.#responders = undefined;
    this.#upgrade = undefined;
  }

  close(): Promise<void> {
    for (const socket of this.#upgraded) socket.destroy();
    return closeServer(this.#server);
  }

  async #respond(request: IncomingMessage, response: ServerResponse): Promise<void> {
    try {
      if (!this.#responders) return sendJson(response, 503, { message: 'Service Unavailable' });
      for (const responder of this.#responders) if (await responder(request, response)) return;
      request.resume();
      sendJson(response, 404, { message: 'Not Found' });
    } catch (error) {
      this.#failed(error);
      if (response.headersSent) response.destroy();
      else sendJson(response, 500, { message: 'Internal Server Error' });
    }
  }
}

function bindFailure(error: NodeJS.ErrnoException, port: number): string {
  if (error.code === 'EADDRINUSE') {
    return `Port ${port} is taken; end what uses it, or choose another: PORT=8788 npm start (PORT=0 takes any free one).`;
  }
  if (error.code === 'EACCES') return `Port ${port} needs privileges; choose another: PORT=8788 npm start`;
  return `Port ${port} cannot be used: ${error.message}`;
}
