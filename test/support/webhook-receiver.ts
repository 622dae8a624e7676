import { createHmac, timingSafeEqual } from 'node:crypto';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface Received {
  path: string;
  id: string;
  timestamp: number;
  signatures: string[];
  /** Exactly as it arrived. */
  body: string;
  type: string;
  data: Record<string, unknown>;
}

type Answer = (request: IncomingMessage, response: ServerResponse, received: Received) => void;

/** A real HTTP server that receives webhooks. Each path can answer as the test chooses; by default 200. */
export class WebhookReceiver {
  readonly received: Received[] = [];
  readonly answers = new Map<string, Answer>();
  readonly #server = createServer((request, response) => this.#receive(request, response));

  /** Opens a free port. */
  async open(): Promise<this> {
    await new Promise<void>((resolve) => this.#server.listen(0, '127.0.0.1', resolve));
    return this;
  }

  url(path: string): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}${path}`;
  }

  at(path: string): Received[] {
    return this.received.filter((each) => each.path === path);
  }

  close(): Promise<void> {
    this.#server.closeAllConnections();
    return new Promise((resolve) => this.#server.close(() => resolve()));
  }

  async #receive(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const body = Buffer.concat(chunks).toString('utf8');
    const { type, data } = JSON.parse(body) as Pick<Received, 'type' | 'data'>;
    const received = {
      path: request.url ?? '',
      id: String(request.headers['webhook-id']),
      timestamp: Number(request.headers['webhook-timestamp']),
      signatures: String(request.headers['webhook-signature']).split(' '),
      ...{ body, type, data },
    };
    this.received.push(received);
    const answer = this.answers.get(received.path);
    if (answer) answer(request, response, received);
    else response.writeHead(200).end('thanks');
  }
}

/** Whether one of the signatures is that of the secret. It is written from the specification, not from the sender. */
export function isSigned({ id, timestamp, body, signatures }: Received, secret: string): boolean {
  const key = Buffer.from(secret.replace(/^whsec_/, ''), 'base64');
  const expected = Buffer.from(`v1,${createHmac('sha256', key).update(`${id}.${timestamp}.${body}`).digest('base64')}`);
  return signatures.some((each) => each.length === expected.length && timingSafeEqual(Buffer.from(each), expected));
}
