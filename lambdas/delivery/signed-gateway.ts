import { createHash, createHmac, type Hash, type Hmac } from 'node:crypto';
import { Agent as HttpAgent, type RequestOptions, request as requestHttp } from 'node:http';
import { Agent as HttpsAgent, request as requestHttps } from 'node:https';
import { SignatureV4 } from '@smithy/signature-v4';
import type { Gateway, PostResult } from './gateway.ts';

export interface SignedGatewayOptions {
  /** The management endpoint, `https://…/live`. */
  endpoint: string;
  region: string;
  /** Asked for at every post: Lambda may put new ones into the environment. */
  credentials: () => { accessKeyId: string; secretAccessKey: string; sessionToken?: string | undefined };
  /** How long one post may take, in milliseconds. */
  timeoutMillis: number;
  /** Unix milliseconds. */
  clock?: () => number;
}

const agentOptions = { keepAlive: true, maxSockets: 128, scheduling: 'fifo' } as const;

/**
 * Posts to connections with one signed request each over kept-alive sockets. It signs with the official client's own
 * signer and leaves out the rest of that client, which costs ten times the request itself (`bench/posts.ts`).
 */
export class SignedGateway implements Gateway {
  readonly #options: SignedGatewayOptions;
  readonly #base: URL;
  readonly #signer: SignatureV4;
  readonly #agent: HttpAgent;
  /** The hash of the bytes posted last: a frame for many receivers is hashed once. */
  #hashed: { bytes: Uint8Array; hash: string } | undefined;

  constructor(options: SignedGatewayOptions) {
    this.#options = options;
    this.#base = new URL(options.endpoint);
    this.#agent = this.#base.protocol === 'https:' ? new HttpsAgent(agentOptions) : new HttpAgent(agentOptions);
    this.#signer = new SignatureV4({
      service: 'execute-api',
      region: options.region,
      credentials: async () => this.#options.credentials(),
      sha256: NodeSha256,
    });
  }

  post(connectionId: string, frame: Uint8Array): Promise<PostResult> {
    return this.#send(connectionId, frame).then(resultOf, () => 'failed');
  }

  async #send(connectionId: string, body: Uint8Array): Promise<number> {
    const path = `${this.#base.pathname.replace(/\/$/, '')}/@connections/${encodeURIComponent(connectionId)}`;
    const { hostname, port, protocol, host } = this.#base;
    const signed = await this.#signer.sign(
      {
        method: 'POST',
        protocol,
        hostname,
        path,
        query: {},
        headers: { host, 'content-length': String(body.length), 'x-amz-content-sha256': this.#hash(body) },
        body,
      },
      { signingDate: new Date((this.#options.clock ?? Date.now)()) },
    );
    return this.#exchange({ method: 'POST', hostname, port, path, headers: signed.headers }, body);
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
      this.#hashed = { bytes, hash: createHash('sha256').update(bytes).digest('hex') };
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

/** The hash the signer asks for, by Node's own OpenSSL. */
class NodeSha256 {
  readonly #hash: Hash | Hmac;

  constructor(secret?: string | ArrayBuffer | ArrayBufferView) {
    this.#hash = secret === undefined ? createHash('sha256') : createHmac('sha256', toBytes(secret));
  }

  update(data: string | ArrayBuffer | ArrayBufferView): void {
    this.#hash.update(toBytes(data));
  }

  async digest(): Promise<Uint8Array> {
    return this.#hash.digest();
  }

  reset(): void {
    throw new Error('A hash is used once.');
  }
}

function toBytes(data: string | ArrayBuffer | ArrayBufferView): Uint8Array {
  if (typeof data === 'string') return Buffer.from(data);
  if (ArrayBuffer.isView(data)) return new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
  return new Uint8Array(data);
}
