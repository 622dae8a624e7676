import {
  ApiGatewayManagementApiClient,
  GoneException,
  PostToConnectionCommand,
} from '@aws-sdk/client-apigatewaymanagementapi';
import { Faults, readFaults } from '../../local/faults.ts';
import { type FixtureStack, startFixtureStack } from './fixtures/fixture-stack.ts';
import { SocketClient } from './fixtures/socket-client.ts';

test('the same seed gives the same faults, another seed others', () => {
  const sequence = (seed: number) => {
    const faults = new Faults({ seed, gone: 0.3, throttle: 0.3 });
    return Array.from({ length: 50 }, () => faults.postRefusal());
  };
  expect(sequence(7)).toEqual(sequence(7));
  expect(sequence(7)).not.toEqual(sequence(8));
  expect(new Set(sequence(7))).toEqual(new Set([410, 429, undefined]));
});

test('an unknown fault or an invalid value is refused', () => {
  expect(() => new Faults({ rain: 1 } as never)).toThrow('The fault "rain" is unknown; use seed, loseDisconnect, ');
  expect(() => new Faults({ gone: -1 })).toThrow('The fault gone is -1; set it to a number of 0 or more.');
  expect(() => readFaults('{gone')).toThrow('ROLLCALL_FAULTS is not JSON');
});

describe('a stack', () => {
  let stack: FixtureStack;
  let client: SocketClient;
  let id: string;

  beforeAll(async () => {
    stack = await startFixtureStack();
  });
  afterAll(() => stack.close());
  beforeEach(async () => {
    stack.faults.set({});
    client = await SocketClient.open(`${stack.websocket}?token=ada`);
    id = await client.id();
  });

  async function set(faults: object, headers: Record<string, string> = {}): Promise<number> {
    const response = await fetch(`${stack.http}/dev/faults`, { method: 'POST', body: JSON.stringify(faults), headers });
    return response.status;
  }

  async function post(): Promise<unknown> {
    const official = new ApiGatewayManagementApiClient({
      endpoint: stack.management,
      region: 'us-east-1',
      credentials: { accessKeyId: 'developer', secretAccessKey: 'anything' },
      maxAttempts: 1,
    });
    const sent = official.send(new PostToConnectionCommand({ ConnectionId: id, Data: Buffer.from('"x"') }));
    return sent.finally(() => official.destroy());
  }

  test('answers 410 for a live connection', async () => {
    expect(await set({ gone: 1 })).toBe(200);
    await expect(post()).rejects.toBeInstanceOf(GoneException);
    expect((await client.ask({ type: 'echo' })).requestContext.connectionId).toBe(id);
  });

  test('answers 429', async () => {
    await set({ throttle: 1 });
    await expect(post()).rejects.toMatchObject({ name: 'LimitExceededException' });
  });

  test('delays posts', async () => {
    await set({ slowPostMillis: 150 });
    const before = performance.now();
    await post();
    expect(performance.now() - before).toBeGreaterThanOrEqual(149);
  });

  test('loses a $disconnect', async () => {
    await set({ loseDisconnect: 1 });
    client.socket.terminate();
    await client.closed();
    await set({});
    const marker = await SocketClient.open(`${stack.websocket}?token=ada`);
    const markerId = await marker.id();
    marker.socket.close();
    await stack.recorder.next('$disconnect', 1, markerId);
    expect(stack.recorder.of('$disconnect', id)).toEqual([]);
  });

  test('delivers a $disconnect twice', async () => {
    await set({ doubleDisconnect: 1 });
    client.socket.close();
    const second = await stack.recorder.next('$disconnect', 2, id);
    expect(second.requestContext.connectionId).toBe(id);
  });

  test('kills environments during their events', async () => {
    await set({ killEnvironment: 1 });
    expect(await client.ask({ type: 'one', wish: 'sleep', millis: 500 })).toMatchObject({
      message: 'Internal server error',
    });
  });

  test('refuses an unknown fault, and a page of another origin', async () => {
    expect(await set({ rain: 1 })).toBe(400);
    expect(await set({ gone: 1 }, { Origin: 'https://evil.example' })).toBe(403);
    expect(stack.faults.settings.gone).toBe(0);
  });
});
