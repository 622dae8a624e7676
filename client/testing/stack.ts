/**
 * The real service of a checkout, for tests with Node.js.
 *
 * @module testing-stack
 */

import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createClient } from '../client.ts';
import type { Client, ClientOptions } from '../client-api.ts';
import type { Registered, Types } from '../types.ts';
import { findCheckout } from './checkout.ts';
import { startProcess } from './stack-process.ts';

/** How the real stack starts for a test. */
export interface RollcallStackOptions {
  /**
   * The folder of a checkout of Rollcall. By default `ROLLCALL_CHECKOUT`, or the nearest checkout above the working folder
   * or above this package.
   */
  checkout?: string;
  /** Settings of the service by name, such as `{ HEARTBEAT_TIMEOUT_SECONDS: '5' }`; see `docs/deployment.md`. */
  settings?: Record<string, string>;
  /** The port; any free one by default. */
  port?: number;
  /** The folder of the data. By default a temporary folder, which `stop` removes. */
  dataDirectory?: string;
  /** The longest wait for the start, in milliseconds; five minutes by default, because a first start installs packages. */
  startMillis?: number;
  /** Called with each line that the stack writes. */
  log?: (line: string) => void;
}

/** The claims of a token. */
export interface TokenOptions {
  /** The name that others see; by default the user id. */
  name?: string;
  /** Whether the token has the scope `rollcall/admin`. */
  admin?: boolean;
}

/** A running stack on this machine, with real stores. */
export interface RollcallStack {
  /** Address of the WebSocket API, `ws://…/live`. */
  readonly url: string;
  /** Address of the HTTP API, `http://…`. */
  readonly httpUrl: string;
  /** A token of the stack's own identity provider. */
  token(userId: string, options?: TokenOptions): Promise<string>;
  /** A client of this user; `stop` closes it. Node.js before 22 needs the option `WebSocket`. */
  client<T extends Types = Registered>(userId: string, options?: Partial<ClientOptions<T>> & TokenOptions): Client<T>;
  /** Closes the clients, stops every process of the stack and removes the temporary folder. */
  stop(): Promise<void>;
}

/**
 * Starts the real service of a checkout on this machine, for tests. It ends with `stop`, or with this process.
 *
 * @throws Error with the last lines of the stack if it does not start, and with one next step if there is no checkout.
 */
export async function startRollcall(options: RollcallStackOptions = {}): Promise<RollcallStack> {
  const checkout = findCheckout(options.checkout);
  const dataDirectory = options.dataDirectory ?? (await mkdtemp(join(tmpdir(), 'rollcall-')));
  const removeData = async () => {
    if (options.dataDirectory === undefined) await rm(dataDirectory, { recursive: true, force: true });
  };
  const environment = { ...options.settings, PORT: String(options.port ?? 0), ROLLCALL_DATA_DIR: dataDirectory };
  const { startMillis = 300_000, log = () => {} } = options;
  const stack = await startProcess({ checkout, environment, startMillis, log }).catch(async (error: unknown) => {
    await removeData();
    throw error;
  });
  const endpoints = JSON.parse(await readFile(join(dataDirectory, 'endpoints.json'), 'utf8'));
  const httpUrl: string = endpoints.http;
  const url: string = endpoints.websocket;
  const clients: { close(): void }[] = [];

  async function token(userId: string, { name = userId, admin = false }: TokenOptions = {}): Promise<string> {
    const query = new URLSearchParams({ user: userId, name, ...(admin ? { admin: '1' } : {}) });
    const answer = await fetch(`${httpUrl}/dev/token?${query}`);
    const body = await answer.json();
    if (!answer.ok) throw new Error(body.message);
    return body.token;
  }
  return {
    url,
    httpUrl,
    token,
    client<T extends Types = Registered>(userId: string, given: Partial<ClientOptions<T>> & TokenOptions = {}) {
      const { name, admin, ...own } = given;
      const client = createClient<T>({ url, httpUrl, token: () => token(userId, { name, admin }), ...own });
      clients.push(client);
      return client;
    },
    async stop() {
      for (const client of clients) client.close();
      await stack.stop();
      await removeData();
    },
  };
}
