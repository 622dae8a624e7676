import { hash } from 'node:crypto';
import type Pool from 'undici/lib/dispatcher/pool.js';
import { once } from '../platform/once.ts';
import type { Gateway, PostResult } from './gateway.ts';
import { type Credentials, PostSigner } from './post-signer.ts';

export interface SignedGatewayOptions {
  /** The management endpoint, `https://…/live`. */
  endpoint: string;
  region: string;
  /** Called for every post, because Lambda may put new credentials into the environment. */
  credentials: () => Credentials;
  /** The time limit of one post, in milliseconds. */
  timeoutMillis: number;
  /** Unix milliseconds. */
  clock?: () => number;
}

const mostSockets = 128;
/** Codes of the errors if an HTTP connection ends before an answer. */
const endedCodes = ['ECONNRESET', 'EPIPE', 'UND_ERR_SOCKET'];
/** Time in milliseconds after which an unused socket is closed. The server may set a shorter time. */
const idleMillis = 60_000;

/**
 * Posts to connections with one signed request each, over kept-alive sockets. The official client does more, which costs
 * several times the request itself (`bench/cases/posts.ts`).
 */
export class SignedGateway implements Gateway {
  readonly #options: SignedGatewayOptions;
  readonly #host: string;
  readonly #pathPrefix: string;
  readonly #signer: PostSigner;
  readonly #pool: () => Promise<Pool>;
  /** The hash of the last posted bytes, so that a frame for many receivers is hashed once. */
  #hashed: { bytes: Uint8Array; hash: string } | undefined;

  constructor(options: SignedGatewayOptions) {
    this.#options = options;
    const { origin, host, pathname } = new URL(options.endpoint);
    const { timeoutMillis } = options;
    this.#host = host;
    this.#pathPrefix = `${pathname.replace(/\/$/, '')}/@connections/`;
    this.#pool = once(() => makePool(origin, timeoutMillis));
    this.#signer = new PostSigner(options.region);
  }

  post(connectionId: string, frame: Uint8Array): Promise<PostResult> {
    return this.#send(connectionId, frame).then(resultOf, ({ code }) =>
      endedCodes.includes(code) ? 'unanswered' : 'failed',
    );
  }

  async #send(connectionId: string, frame: Uint8Array): Promise<number> {
    const path = `${this.#pathPrefix}${encodeURIComponent(connectionId)}`;
    const signable = { host: this.#host, path, contentLength: frame.length, contentHash: this.#hash(frame) };
    const now = (this.#options.clock ?? Date.now)();
    const headers = this.#signer.sign(signable, this.#options.credentials(), now);
    return exchange(await this.#pool(), { path, headers, body: frame });
  }

  #hash(bytes: Uint8Array): string {
    if (this.#hashed?.bytes !== bytes) {
      this.#hashed = { bytes, hash: hash('sha256', bytes) };
    }
    return this.#hashed.hash;
  }
}

/**
 * Loads the pool at the first post: a function that posts nothing needs none. The main module of the package imports fetch,
 * WebSockets and mocks: bundled and minified it is 536 KB, the pool alone 284 KB.
 */
async function makePool(origin: string, timeoutMillis: number): Promise<Pool> {
  const { default: Loaded } = await import('undici/lib/dispatcher/pool.js');
  return new Loaded(origin, {
    ...{ connections: mostSockets, pipelining: 1, allowH2: false },
    ...{ connect: { timeout: timeoutMillis }, headersTimeout: timeoutMillis, bodyTimeout: timeoutMillis },
    ...{ keepAliveTimeout: idleMillis, keepAliveMaxTimeout: idleMillis },
  });
}

/** Sends a request and returns the status of the answer. The body is not needed. */
function exchange(pool: Pool, request: { path: string; headers: string[]; body: Uint8Array }): Promise<number> {
  return new Promise((resolve, reject) => {
    let status = 500;
    pool.dispatch(
      { method: 'POST', ...request },
      {
        onRequestStart() {},
        onResponseStart(_controller, statusCode) {
          status = statusCode;
        },
        onResponseData() {},
        onResponseEnd() {
          resolve(status);
        },
        onResponseError(_controller, error) {
          reject(error);
        },
      },
    );
  });
}

function resultOf(status: number): PostResult {
  if (status < 300) return 'delivered';
  if (status === 410) return 'gone';
  if (status === 429) return 'throttled';
  return status >= 500 ? 'failed' : 'refused';
}
