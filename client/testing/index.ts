/**
 * A service in memory, with a virtual clock, for unit tests.
 *
 * @module testing
 */

import type { AccessClaim } from '../../protocol/access-claim.ts';
import { createClientIn } from '../client.ts';
import type { Client, ClientOptions } from '../client-api.ts';
import type { Types } from '../types.ts';
import { endAgent, setAgent, type TestAgentState } from './agents.ts';
import { createClock, settle } from './clock.ts';
import { createDevice, type Device } from './device.ts';
import { createService, type Service, type ServiceOptions } from './service.ts';
import { tokenFor } from './token.ts';

export type { TestAgentState } from './agents.ts';

/** Options of the in-memory service. */
export interface TestRollcallOptions extends Partial<ServiceOptions> {
  /** The first time of the clock, in Unix milliseconds. */
  now?: number;
  /** The random number for the clients' jitter; 0.5 by default, so that tests are reproducible. */
  random?: () => number;
}

/** The options of a client, with additional ones for tests. */
export interface TestClientOptions<T extends Types = Types> extends Partial<ClientOptions<T>> {
  /** The name that others see; by default the user id. */
  name?: string;
  /** The lifetime of a token in seconds; an hour by default. */
  tokenSeconds?: number;
  /** The access claim of the tokens: the keys that the client may use, each with a role. */
  sessions?: AccessClaim;
  /** The storage of the browser: clients that share it are the same guest. */
  storage?: Pick<Storage, 'getItem' | 'setItem'>;
  /** Whether the page may start workers; not by default. */
  worker?: boolean;
}

/** Rollcall in memory, with a clock that only the test advances. */
export interface TestRollcall {
  /** A client of this user on its own device; it connects when it joins. */
  client<T extends Types = Types>(userId: string, options?: TestClientOptions<T>): Client<T>;
  /** Advances the clock by the given milliseconds and runs the due work in order. */
  advance(millis: number): Promise<void>;
  /** Waits until all work has run that does not wait for the clock. */
  settle(): Promise<void>;
  /** The virtual clock, in Unix milliseconds. */
  now(): number;
  /**
   * Cuts the client's network without a close frame. The page gets the event `offline`, unless `silent`.
   *
   * @returns the function that restores the network.
   */
  cut(client: object, options?: { silent?: boolean }): () => Promise<void>;
  /** Stops the client's timers and events, as on a sleeping machine. @returns the function that wakes it. */
  freeze(client: object): () => Promise<void>;
  /** Revokes the client's present token; `token()` then returns a new one. */
  expireToken(client: object): void;
  /** Breaks the client's socket; the service does not notice it. */
  loseClose(client: object): Promise<void>;
  /** Breaks the client's socket without a close frame; the service notices it. */
  breakSockets(client: object): Promise<void>;
  /** A token for this user that is valid for an hour, or for `tokenSeconds`; with an access claim if `sessions` is given. */
  token(userId: string, options?: Pick<TestClientOptions, 'sessions' | 'tokenSeconds'>): string;
  /** Hides the client's page; with `clamped` its timers run once a minute. @returns the function that shows it again. */
  hide(client: object, options?: { clamped?: boolean }): () => Promise<void>;
  /** The frames that the service received, for assertions. */
  readonly service: Service;
  /** The device of a client. */
  device(client: object): Device;
  /**
   * Makes an agent present in the live session of a key, or renews its lease, as the server API does. It leaves when the clock reaches
   * the end of the lease.
   *
   * @returns the id under which others see it.
   */
  setAgent(key: string, agentId: string, state?: TestAgentState): string;
  /** Ends an agent before its lease ends. */
  endAgent(key: string, agentId: string): void;
  /** Closes all clients. */
  close(): void;
}

type TokenTerms = { userId: string } & Pick<TestClientOptions, 'name' | 'sessions' | 'tokenSeconds'>;

const start = Date.UTC(2026, 0, 1);

/**
 * Rollcall in memory for unit tests: the real client uses the real protocol with a service in the same process. The time changes
 * only by `advance`.
 *
 * @example
 * import { createTestRollcall } from '@rollcall/client/testing';
 *
 * const rollcall = createTestRollcall();
 * const [ada, bob] = [rollcall.client('ada'), rollcall.client('bob')].map((client) => client.open('doc-1'));
 * await Promise.all([ada.ready, bob.ready]);
 */
export function createTestRollcall(options: TestRollcallOptions = {}): TestRollcall {
  const { now = start, random = () => 0.5, heartbeatSeconds = 30, rolloverSeconds = 6600, ...rest } = options;
  const clock = createClock(now);
  const service = createService(clock, { heartbeatSeconds, rolloverSeconds, sessionTimeoutMillis: 3_600_000, ...rest });
  const devices = new Map<object, { device: Device; withdraw: () => void; client: Client }>();
  const of = (client: object) => {
    const found = devices.get(client);
    if (!found) throw new Error('This client is not one of this test service; make it with rollcall.client(userId).');
    return found;
  };
  let tokens = 0;

  function newToken({ userId, name = userId, tokenSeconds = 3600, sessions }: TokenTerms): string {
    tokens += 1;
    // The fraction makes tokens different that are made within the same second.
    const exp = clock.now() / 1000 + tokenSeconds + tokens / 1e6;
    return tokenFor({ sub: userId, name, exp, rollcall: sessions && { sessions } });
  }

  function newClient(
    userId: string,
    { name = userId, tokenSeconds, sessions, storage, worker = false, ...own }: TestClientOptions,
  ): Client {
    const device = createDevice(clock, service.accept, { random, worker });
    let given = '';
    const giveToken = () => {
      given = newToken({ userId, name, tokenSeconds, sessions });
      return given;
    };
    const environment = { ...device.environment, fetch: askFor(service), ...(storage && { keep: storage }) };
    const credentials = own.invite === undefined || own.token ? { token: giveToken } : {};
    const client = createClientIn(environment, { url: 'ws://rollcall.test/live', ...credentials, ...own });
    devices.set(client, { device, client, withdraw: () => service.withdrawn.add(given) });
    return client;
  }

  return {
    client: <T extends Types>(userId: string, own: TestClientOptions<T> = {}) =>
      newClient(userId, own as TestClientOptions) as unknown as Client<T>,
    advance: clock.advance,
    settle,
    now: clock.now,
    service,
    device: (client) => of(client).device,
    cut(client, { silent = false } = {}) {
      const { device } = of(client);
      device.cut(!silent);
      return async () => {
        device.restore();
        if (!silent) device.tell('online');
        await settle();
      };
    },
    freeze(client) {
      const { device } = of(client);
      device.freeze();
      return async () => {
        device.thaw();
        await settle();
      };
    },
    expireToken: (client) => void of(client).withdraw(),
    async loseClose(client) {
      of(client).device.breakSockets(false);
      await settle();
    },
    async breakSockets(client) {
      of(client).device.breakSockets(true);
      await settle();
    },
    token: (userId, terms) => newToken({ userId, ...terms }),
    hide(client, { clamped = false } = {}) {
      const { device } = of(client);
      device.hide(clamped);
      return async () => {
        device.show();
        await settle();
      };
    },
    setAgent: (key, agentId, state = {}) => setAgent(service.world, key, agentId, state),
    endAgent: (key, agentId) => endAgent(service.world, key, agentId),
    close() {
      for (const { client } of devices.values()) client.close();
    },
  };
}

/** The HTTP request by which a client learns whether its token is refused. */
function askFor(service: Service): typeof fetch {
  return async (_input, init) => {
    const bearer = new Headers(init?.headers).get('authorization') ?? '';
    return new Response(null, { status: service.isValid(bearer.replace('Bearer ', '')) ? 200 : 401 });
  };
}
