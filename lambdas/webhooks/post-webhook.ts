import { type LookupAddress, lookup as lookUp } from 'node:dns';
import { type AgentOptions, Agent as HttpAgent, request as httpRequest, type IncomingMessage } from 'node:http';
import { Agent as HttpsAgent, request as httpsRequest } from 'node:https';
import type { LookupFunction } from 'node:net';
import type { Attempt, AttemptError, WebhookRequest } from './attempt.ts';
import { isPublicAddress } from './public-address.ts';
import { targetProblem } from './webhook-target.ts';

/** The receiver must answer within this time, name resolution and TLS included. */
export const attemptMillis = 10_000;
/** How many bytes of an answer are read, and for how long. The rest is not read. */
const answerBytes = 1024;
const answerMillis = 1000;
/** How many characters of an answer are kept. */
const keptCharacters = 300;

export interface PostOptions {
  /** Whether HTTP and private addresses are accepted, for development on one machine. */
  anyTarget: boolean;
  /** Certificates to trust besides those of Node.js, in PEM. */
  ca?: string;
  timeoutMillis?: number;
  /** Resolves a name. Default: that of the system. */
  resolve?: typeof lookUp;
}

/** The address that a name leads to is not public. */
class AddressRefused extends Error {
  readonly code = 'ADDRESS_REFUSED';
}

interface Agents {
  http: HttpAgent;
  https: HttpsAgent;
}

/** Posts webhooks to one endpoint over connections that are kept open. It follows no redirect. */
export class WebhookPoster {
  readonly #options: PostOptions;
  readonly #kept: Agents;
  /** Connections that are used once. */
  readonly #fresh: Agents;

  /** @param connections the most connections at the same time. */
  constructor(options: PostOptions, connections: number) {
    this.#options = options;
    this.#kept = this.#agents({ keepAlive: true, maxSockets: connections });
    this.#fresh = this.#agents({ keepAlive: false });
  }

  #agents(more: AgentOptions): Agents {
    const shared = { ...more, lookup: this.#lookup };
    const { ca } = this.#options;
    return { http: new HttpAgent(shared), https: new HttpsAgent({ ...shared, ...(ca ? { ca } : {}) }) };
  }

  /** Posts one webhook. It never rejects: a failure is a part of the result. */
  async post(webhook: WebhookRequest): Promise<Attempt> {
    const { eventId, url } = webhook;
    const { anyTarget, timeoutMillis = attemptMillis } = this.#options;
    // An IP address in the URL is not resolved, so it is checked here.
    if (targetProblem(url, anyTarget) !== undefined) return { eventId, error: 'address' };
    const signal = AbortSignal.timeout(timeoutMillis);
    const attempt = (await this.#send(webhook, signal, this.#kept)) ?? (await this.#send(webhook, signal, this.#fresh));
    return attempt ?? { eventId, error: 'connection' };
  }

  /**
   * Undefined if a connection that was used before broke without an answer: a receiver may close it while the next request is on its
   * way, and that is no failure of the receiver.
   */
  #send(
    { eventId, url, headers, body }: WebhookRequest,
    signal: AbortSignal,
    { http, https }: Agents,
  ): Promise<Attempt | undefined> {
    const isPlain = new URL(url).protocol === 'http:';
    return new Promise((resolve) => {
      let isAnswered = false;
      const fail = (error: NodeJS.ErrnoException) => {
        if (signal.aborted) resolve({ eventId, error: 'timeout' });
        else resolve(request.reusedSocket && isBroken(error) ? undefined : { eventId, error: errorOf(error) });
      };
      const options = {
        method: 'POST',
        headers: { ...headers, 'content-length': Buffer.byteLength(body) },
        agent: isPlain ? http : https,
        signal,
      };
      const request = (isPlain ? httpRequest : httpsRequest)(url, options, (response) => {
        isAnswered = true;
        const answered = answerOf(eventId, response);
        readBeginning(response).then((text) => resolve({ ...answered, ...(text ? { response: text } : {}) }));
      });
      // The answer 101 has no body, and without this listener neither a response nor an error would follow.
      request.on('upgrade', (response, socket) => {
        socket.destroy();
        resolve(answerOf(eventId, response));
      });
      request.on('error', fail).on('close', () => {
        if (!isAnswered) fail(new Error('The connection ended without an answer.'));
      });
      request.end(body);
    });
  }

  /** Closes the connections. */
  close(): void {
    for (const { http, https } of [this.#kept, this.#fresh]) {
      http.destroy();
      https.destroy();
    }
  }

  /** Resolves a name, and refuses it if one of its addresses is not public. The connection is made to the checked address. */
  readonly #lookup: LookupFunction = (name, options, callback) => {
    const { anyTarget, resolve = lookUp } = this.#options;
    resolve(name, { ...options, all: true }, (error: NodeJS.ErrnoException | null, found: LookupAddress[]) => {
      if (error) return callback(error, '', 0);
      if (!anyTarget && !found.every(({ address }) => isPublicAddress(address))) {
        return callback(new AddressRefused('The name leads to an address that is not public.'), '', 0);
      }
      if (options.all) return callback(null, found);
      callback(null, found[0]!.address, found[0]!.family);
    });
  };
}

function answerOf(eventId: string, { statusCode: status = 0, headers }: IncomingMessage): Attempt {
  if (status >= 200 && status < 300) return { eventId, status };
  const retryAfterMillis = pauseIn(headers['retry-after']);
  return {
    ...{ eventId, status, error: status >= 300 && status < 400 ? 'redirect' : 'status' },
    ...(retryAfterMillis === undefined ? {} : { retryAfterMillis }),
  };
}

/** The pause that the header `Retry-After` asks for: seconds, or a date. */
function pauseIn(header: string | undefined): number | undefined {
  if (header === undefined) return undefined;
  const millis = /^\d+$/.test(header) ? Number(header) * 1000 : Date.parse(header) - Date.now();
  return millis > 0 ? Math.min(millis, Number.MAX_SAFE_INTEGER) : undefined;
}

/** Reads the beginning of the answer, without control characters. It never rejects, because the status says enough. */
function readBeginning(response: IncomingMessage): Promise<string> {
  return new Promise((resolve) => {
    const chunks: Buffer[] = [];
    let length = 0;
    const finish = () => {
      clearTimeout(timer);
      const text = Buffer.concat(chunks).subarray(0, answerBytes).toString('utf8');
      resolve(
        text
          .replace(/[\p{Cc}\ufffd]+/gu, ' ')
          .trim()
          .slice(0, keptCharacters)
          .toWellFormed(),
      );
    };
    const stop = () => {
      response.destroy();
      finish();
    };
    const timer = setTimeout(stop, answerMillis);
    response.on('data', (chunk: Buffer) => {
      chunks.push(chunk);
      length += chunk.length;
      if (length >= answerBytes) stop();
    });
    response.once('end', finish).on('error', finish);
  });
}

function isBroken({ code }: NodeJS.ErrnoException): boolean {
  return code === 'ECONNRESET' || code === 'EPIPE';
}

function errorOf({ code = '', message }: NodeJS.ErrnoException): AttemptError {
  if (code === 'ADDRESS_REFUSED') return 'address';
  if (code === 'ENOTFOUND' || code === 'EAI_AGAIN') return 'name';
  if (/CERT|TLS|SSL|SELF_SIGNED|UNABLE_TO|EPROTO/.test(code) || /\bSSL\b/.test(message)) return 'tls';
  return 'connection';
}
