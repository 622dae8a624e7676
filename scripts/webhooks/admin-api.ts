import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import type { WebhookDelivery } from '../../protocol/webhooks.ts';

/** How long a test may take: the start of both functions, and the time limit of the receiver. */
const attemptSeconds = 60;

/** The routes of the HTTP API for admins. */
export class AdminApi {
  readonly #url: string;
  readonly #token: string;

  private constructor(url: string, token: string) {
    this.#url = url.replace(/\/+$/, '');
    this.#token = token;
  }

  /**
   * The API at the address, or that of the stack on this machine, which also gives a token.
   *
   * @throws Error with one sentence if there is none.
   */
  static async open(url: string | undefined, token: string | undefined): Promise<AdminApi> {
    if (url !== undefined) {
      if (token) return new AdminApi(url, token);
      throw new Error('Set ROLLCALL_TOKEN to a token with the scope rollcall/admin.');
    }
    const local = await localUrl();
    return new AdminApi(local, token || (await localToken(local)));
  }

  /** The body of the answer. @throws Error with the sentence of the service if it refuses. */
  async call(method: string, path: string, body?: object): Promise<unknown> {
    const headers = { authorization: `Bearer ${this.#token}`, 'content-type': 'application/json' };
    const request = { method, headers, ...(body === undefined ? {} : { body: JSON.stringify(body) }) };
    const response = await fetch(this.#url + path, request).catch(() => {
      throw new Error(`The API at ${this.#url} cannot be reached; start it, or correct --api.`);
    });
    const answer = (await response.json().catch(() => ({}))) as { message?: string };
    if (response.ok) return answer;
    throw new Error(answer.message ?? `The API answered ${response.status}; check --api and ROLLCALL_TOKEN.`);
  }

  /** Waits for the first attempt of an event. @throws Error if none is made in time. */
  async attempted(endpointId: string, eventId: string): Promise<WebhookDelivery> {
    for (const until = Date.now() + attemptSeconds * 1000; Date.now() < until; await pause(250)) {
      const { items } = (await this.call('GET', `/webhooks/${endpointId}/deliveries`)) as { items: WebhookDelivery[] };
      const found = items.find((delivery) => delivery.eventId === eventId);
      if (found && found.attempts > 0) return found;
    }
    throw new Error(
      `Nothing was sent within ${attemptSeconds} seconds; look at the log of the function webhook-sweep.`,
    );
  }

  /** Sends events again, part by part. Returns how many. */
  async replay(endpointId: string, asked: object): Promise<number> {
    let total = 0;
    let after: string | undefined;
    do {
      const body = after === undefined ? asked : { ...asked, after };
      const part = (await this.call('POST', `/webhooks/${endpointId}/replay`, body)) as {
        queued: number;
        next?: string;
      };
      total += part.queued;
      after = part.next;
    } while (after !== undefined);
    return total;
  }
}

async function localUrl(): Promise<string> {
  const file = join(process.env['ROLLCALL_DATA_DIR'] || '.rollcall', 'endpoints.json');
  const text = await readFile(file, 'utf8').catch(() => undefined);
  if (text !== undefined) return (JSON.parse(text) as { http: string }).http;
  throw new Error(`The file ${file} does not exist; start Rollcall with "npm start", or name its API with --api.`);
}

async function localToken(url: string): Promise<string> {
  const response = await fetch(`${url}/dev/token?user=webhooks-cli&admin=1`).catch(() => undefined);
  if (!response?.ok) throw new Error(`The stack at ${url} gives no token; set ROLLCALL_TOKEN, or start it again.`);
  return ((await response.json()) as { token: string }).token;
}
