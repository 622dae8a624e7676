import { hash } from 'node:crypto';
import { Agent as HttpAgent, type RequestOptions, request as requestHttp } from 'node:http';
import { Agent as HttpsAgent, request as requestHttps } from 'node:https';
import type { Gateway, PostResult } from './gateway.ts';
import { type Credentials, PostSigner } from './post-signer.ts';

export interface SignedGatewayOptions {
  /** The management endpoint, `https://…/live`. */
  endpoint: string;
  region: string;
  /** Asked for at every post: Lambda may put new ones into the environment. */
  credentials: () => Credentials;
  /** How long one post may take, in milliseconds. */
  timeoutMillis: number;
  /** Unix milliseconds. */
  clock?: () => number;
}

const agentOptions = { keepAlive: true, maxSockets: 128, scheduling: 'fifo' } as const;

/**
 * Posts to connections with one signed request each over kept-alive sockets. What the official client does beyond that
 * costs as much again as the request itself (`bench/cases/posts.ts`).
 */
export class SignedGateway implements Gateway {
  readonly #options: SignedGatewayOptions;
  readonly #base: URL;
  readonly #pathPrefix: string;
  readonly #signer: PostSigner;
  readonly #agent: HttpAgent;
  /** The hash of the bytes posted last: a frame for many receivers is hashed once. */
  #hashed: { bytes: Uint8Array; hash: string } | undefined;

  constructor(options: SignedGatewayOptions) {
    this.#options = options;
    this.#base = new URL(options.endpoint);
    this.#pathPrefix = `${this.#base.pathname.replace(/\/$/, '')}/@connections/`;
    this.#agent = this.#base.protocol === 'https:' ? new HttpsAgent(agentOptions) : new HttpAgent(agentOptions);
    this.#signer = new PostSigner(options.region);
  }

  post(connectionId: string, frame: Uint8Array): Promise<PostResult> {
    return this.#send(connectionId, frame).then(resultOf, () => 'failed');
  }

  async #send(connectionId: string, frame: Uint8Array): Promise<number> {
    const { hostname, port, host } = this.#base;
    const path = `${this.#pathPrefix}${encodeURIComponent(connectionId)}`;
    const signable = { host, path, contentLength: frame.length, contentHash: this.#hash(frame) };
    const now = (this.#options.clock ?? Date.now)();
    const headers = this.#signer.sign(signable, this.#options.credentials(), now);
    return this.#exchange({ method: 'POST', hostname, port, path, headers }, frame);
  }

  #exchange(options: RequestOptions, body: Uint8Array): Promise<number> {
    const request = this.#base.protocol === 'https:' ? requestHttps : requestHttp;
    return new Promise((resolve, reject) => {
      const call = request({ ...options, agent: this.#agent, timeout: this.#options.timeoutMillis }, (response) => {
        // The body must be read before the socket serves the next post.
        response.resume();
        response.once('end', () => resolve(response.statusCode ?? 500));
        response.once('error', reject);
      });
      call.once('timeout', () => call.destroy(new Error('The post took too long.')));
      call.once('error', reject);
      call.end(body);
    });
  }

  #hash(bytes: Uint8Array): string {
    if (this.#hashed?.bytes !== bytes) {
      this.#hashed = { bytes, hash: hash('sha256', bytes) };
    }
    return this.#hashed.hash;
  }
}

function resultOf(status: number): PostResult {
  if (status < 300) return 'delivered';
  if (status === 410) return 'gone';
  if (status === 429) return 'throttled';
  return status >= 500 ? 'failed' : 'refused';
}
