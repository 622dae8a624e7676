import { createClientIn } from '../client.ts';
import type { Client, ClientOptions } from '../client-api.ts';
import type { Types } from '../types.ts';
import { createClock, settle } from './clock.ts';
import { createDevice, type Device } from './device.ts';
import { createService, type Service, type ServiceOptions } from './service.ts';
import { tokenFor } from './token.ts';

/** How a test's service behaves. */
export interface TestRollcallOptions extends Partial<ServiceOptions> {
  /** Where the clock begins, in Unix milliseconds. */
  now?: number;
  /** Jitter of the clients; 0.5 by default, so that tests repeat. */
  random?: () => number;
}

/** What a test may choose for a client beside the options every client has. */
export interface TestClientOptions<T extends Types = Types> extends Partial<ClientOptions<T>> {
  /** What others read as their name; the user id by default. */
  name?: string;
  /** How long a token lives, in seconds; an hour by default. */
  tokenSeconds?: number;
  /** Whether the page may start workers; not by default. */
  worker?: boolean;
}

/** Rollcall in memory, with a clock that only the test moves. */
export interface TestRollcall {
  /** A client of this user, on a device of its own; it connects when it joins. */
  client<T extends Types = Types>(userId: string, options?: TestClientOptions<T>): Client<T>;
  /** Moves the clock on by so many milliseconds; what falls due happens, in order. */
  advance(millis: number): Promise<void>;
  /** Lets everything happen that does not wait for time. */
  settle(): Promise<void>;
  /** The virtual clock, in Unix milliseconds. */
  now(): number;
  /**
   * Cuts the client's network without a close. The page is told by `offline`, unless `silent`.
   *
   * @returns brings the network back.
   */
  cut(client: object, options?: { silent?: boolean }): () => Promise<void>;
  /** Stops the client's timers and events, as a sleeping machine does. @returns wakes it up. */
  freeze(client: object): () => Promise<void>;
  /** The client's present token is not accepted any more; `token()` gives a new one. */
  expireToken(client: object): void;
  /** The client's socket breaks, and the service does not hear of it. */
  loseClose(client: object): Promise<void>;
  /** The client's socket breaks without a close; the service notices. */
  breakSockets(client: object): Promise<void>;
  /** A token with which any client is this user, for an hour. */
  token(userId: string): string;
  /** Hides the client's page. @returns shows it again. `clamped` wakes its timers once a minute. */
  hide(client: object, options?: { clamped?: boolean }): () => Promise<void>;
  /** What the service received, for assertions about the wire. */
  readonly service: Service;
  /** The device of a client. */
  device(client: object): Device;
  /** Closes all clients. */
  close(): void;
}

const start = Date.UTC(2026, 0, 1);

/**
 * Rollcall in memory for unit tests: the real client speaks its real protocol to a service in the same process, and time
 * stands still until `advance`.
 *
 * @example
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

  function newClient(
    userId: string,
    { name = userId, tokenSeconds = 3600, worker = false, ...own }: TestClientOptions,
  ): Client {
    const device = createDevice(clock, service.accept, { random, worker });
    let given = '';
    const giveToken = () => {
      tokens += 1;
      // Tokens of one second differ by their lifetime alone; the fraction keeps each one unlike the others.
      given = tokenFor({ sub: userId, name, exp: clock.now() / 1000 + tokenSeconds + tokens / 1e6 });
      return given;
    };
    const environment = { ...device.environment, fetch: askFor(service) };
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
    token: (userId) => tokenFor({ sub: userId, name: userId, exp: clock.now() / 1000 + 3600 }),
    hide(client, { clamped = false } = {}) {
      const { device } = of(client);
      device.hide(clamped);
      return async () => {
        device.show();
        await settle();
      };
    },
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
