import WebSocket from 'ws';
import { createClientIn } from '../../client/client.ts';
import { createEnvironment, type PageEvent, type SocketConstructor } from '../../client/environment.ts';
import { type Client, createClient } from '../../client/index.ts';
import { tokenOf } from '../support/client.ts';
import { signToken } from '../support/sign-token.ts';
import { startTestStack, type TestStack } from '../support/stack.ts';
import { timeLimits } from '../support/time-limits.ts';
import { cases, type Place } from './contract-suite.ts';

let stack: TestStack;
beforeAll(async () => {
  stack = await startTestStack();
  // The requests of a client have ten seconds. On a busy machine the start of a function may take longer.
  const { owner, session } = await stack.host('warm');
  const guest = await stack.arrive('warmer');
  await guest.expect('session_joined', { type: 'session_join', sessionId: session.id });
  for (const client of [guest, owner]) await client.close();
});
afterAll(() => stack?.close());

interface Device {
  sockets: Set<WebSocket>;
  listeners: Set<(event: PageEvent) => void>;
}
const devices = new Map<Client, Device>();
/** User names get a suffix for each test, because the tests share the stack. */
let run = 0;

const place: Place = {
  client(user, options = {}) {
    const device: Device = { sockets: new Set(), listeners: new Set() };
    class Tracked extends WebSocket {
      constructor(url: string, protocols?: string[]) {
        super(url, protocols);
        device.sockets.add(this);
      }
    }
    const page = {
      hidden: () => false,
      offline: () => false,
      listen(listener: (event: PageEvent) => void) {
        device.listeners.add(listener);
        return () => void device.listeners.delete(listener);
      },
    };
    const client = createClientIn(
      { ...createEnvironment(), page },
      {
        url: stack.websocket,
        ...(options.invite ? {} : { token: () => place.token(user) }),
        WebSocket: Tracked as unknown as SocketConstructor,
        ...options,
      },
    );
    devices.set(client, device);
    return client;
  },
  token: (user, { sessions, acceptedSeconds = 300 } = {}) => {
    const claims = { sub: `${user}${run}`, name: user, ...(sessions && { rollcall: { sessions } }) };
    return signToken(stack, claims, acceptedSeconds);
  },
  changeNetwork(client) {
    for (const listener of devices.get(client)!.listeners) listener('network');
  },
  async breakSockets(client) {
    for (const socket of devices.get(client)!.sockets) socket.terminate();
  },
  until: async (condition, what) => {
    const end = Date.now() + timeLimits.event;
    while (!condition()) {
      if (Date.now() > end) throw new Error(`Waited ${timeLimits.event} ms for ${what}.`);
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  },
};

beforeEach(() => {
  run += 1;
});
afterEach(() => {
  for (const client of devices.keys()) client.close();
  devices.clear();
});

describe('[row 37] the real stack', () => {
  test.each(cases.map((each) => [each.title, each] as const))('%s', async (_, each) => {
    await each.run(place);
  });

  test('the client works with the WebSocket of Node.js', async () => {
    const user = `nora${run}`;
    const client = createClient({ url: stack.websocket, token: async () => (await tokenOf(stack, user)).token });
    devices.set(client, { sockets: new Set(), listeners: new Set() });
    const session = await client.create({ operationId: 'op' });
    session.setActivity('here');
    expect(session.self?.activity).toBe('here');
    const { items } = await session.queryActivity();
    expect(items.length).toBeGreaterThan(0);
    await session.leave();
    client.close();
    expect(client.state).toBe('closed');
  });

  test('[row 7] the client recognizes a refused token if the handshake shows no status', async () => {
    const client = createClient({ url: stack.websocket, token: () => 'not-a-token' });
    devices.set(client, { sockets: new Set(), listeners: new Set() });
    const session = client.join('00000000-0000-4000-8000-000000000000');
    await expect(session.ready).rejects.toMatchObject({ code: 'UNAUTHENTICATED' });
    expect(client.state).toBe('closed');
  });
});
