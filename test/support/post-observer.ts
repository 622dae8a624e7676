import { createServer, type IncomingMessage, request, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

/** One call of a function to the management API. */
export interface ObservedPost {
  connectionId: string;
  /** The posted frame; undefined for other calls. */
  frame: { type?: string; [field: string]: unknown } | undefined;
  /** The status of the answer; undefined until it is sent. */
  status: number | undefined;
  /** Time of arrival, Unix milliseconds. */
  at: number;
}

/** The HTTP status with which a post is refused, `break` to close its HTTP connection, or undefined to deliver it. */
export type Refusal = (post: Pick<ObservedPost, 'connectionId' | 'frame'>) => number | 'break' | undefined;

/** A proxy between the functions and the management API. It records the posts and refuses those that a test chooses. */
export class PostObserver {
  readonly posts: ObservedPost[] = [];
  /** Set after the stack has started. */
  target = '';
  refuse: Refusal = () => undefined;
  readonly #server: Server = createServer((incoming, outgoing) => void this.#handle(incoming, outgoing));

  async open(): Promise<string> {
    await new Promise<void>((resolve) => this.#server.listen(0, '127.0.0.1', resolve));
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}/live`;
  }

  /** The posts of a type from the index `since` of `posts`. */
  of(type: string, since = 0): ObservedPost[] {
    return this.posts.slice(since).filter(({ frame }) => frame?.type === type);
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  async #handle(incoming: IncomingMessage, outgoing: ServerResponse): Promise<void> {
    const body = await readAll(incoming);
    const connectionId = decodeURIComponent(incoming.url?.split('/').at(-1) ?? '');
    const frame = incoming.method === 'POST' ? frameOf(body.toString()) : undefined;
    const post: ObservedPost = { connectionId, frame, status: undefined, at: Date.now() };
    this.posts.push(post);
    const refused = this.refuse(post);
    if (refused === 'break') {
      incoming.socket.destroy();
      return;
    }
    if (refused !== undefined) {
      post.status = refused;
      outgoing.writeHead(refused, { 'content-type': 'application/json' }).end('{"message":"refused"}');
      return;
    }
    const url = new URL(this.target);
    const forwarded = request(
      { host: url.hostname, port: url.port, path: incoming.url, method: incoming.method, headers: incoming.headers },
      (answer) => {
        post.status = answer.statusCode;
        outgoing.writeHead(answer.statusCode ?? 502, answer.headers);
        answer.pipe(outgoing);
      },
    );
    forwarded.on('error', () => outgoing.destroy());
    forwarded.end(body);
  }
}

/** Compact cursors are not JSON; they count as frames of type `cursors`. */
function frameOf(text: string): ObservedPost['frame'] {
  return text.startsWith('{') ? JSON.parse(text) : { type: 'cursors', compact: text };
}

async function readAll(incoming: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of incoming) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}
