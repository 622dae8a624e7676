import { createServer, type IncomingMessage, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { ServerFrame } from '../../protocol/frames.ts';
import { SeededRandom } from '../harness/seeded-random.ts';

export interface PostedFrame {
  connectionId: string;
  frame: ServerFrame;
}

/**
 * The management API of the campaign. It records each accepted frame, answers 410 for connections that are gone, and sometimes
 * refuses a post. It also returns the secret that signs invites.
 */
export class RecordingGateway {
  readonly frames: PostedFrame[] = [];
  readonly #gone = new Set<string>();
  readonly #random: SeededRandom;
  readonly #server: Server;

  constructor(seed: number) {
    this.#random = new SeededRandom(seed);
    this.#server = createServer((request, response) => {
      void this.#answer(request).then(([status, body]) => response.writeHead(status).end(body));
    });
  }

  async open(): Promise<string> {
    await new Promise<void>((resolve) => this.#server.listen(0, '127.0.0.1', resolve));
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  /** Breaks the socket of the connection; later posts are answered with 410. */
  end(connectionId: string): void {
    this.#gone.add(connectionId);
  }

  async #answer(request: IncomingMessage): Promise<[status: number, body: string]> {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    if (request.headers['x-amz-target']) return [200, '{"SecretString":"the secret of a campaign, 32 bytes or more"}'];
    const connectionId = decodeURIComponent(request.url!.split('/').at(-1)!);
    if (this.#gone.has(connectionId)) return [410, ''];
    const luck = this.#random.next();
    if (luck < 0.01) return [429, ''];
    if (luck < 0.02) return [500, ''];
    this.frames.push({ connectionId, frame: JSON.parse(Buffer.concat(chunks).toString()) as ServerFrame });
    return [200, ''];
  }
}
