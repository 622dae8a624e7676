import { nextState } from '../../client/client-state.ts';
import { ReconnectionManager } from '../../client/reconnection.ts';
import { createClock } from '../../client/testing/clock.ts';
import { createDevice } from '../../client/testing/device.ts';

function setUp(connect: (signal: AbortSignal) => unknown, random = () => 1) {
  const clock = createClock(0);
  const device = createDevice(clock, () => undefined, { random, worker: false });
  const manager = new ReconnectionManager({ connect }, device.environment);
  return { clock, device, manager };
}
const failing = () => Promise.reject(new Error('no route'));

describe('[CL1] reconnecting', () => {
  test('makes ten attempts with waits that double from one to thirty seconds, then fails with the documented text', async () => {
    const waits: number[] = [];
    let calls = 0;
    const manager = new ReconnectionManager({
      connect: () => {
        calls += 1;
        throw new Error('no route');
      },
      random: () => 1,
      sleep: async (millis) => waits.push(millis),
    });
    await expect(manager.reconnect()).rejects.toThrow(/^Max reconnection attempts reached$/);
    expect(calls).toBe(10);
    expect(waits).toEqual([1000, 2000, 4000, 8000, 16_000, 30_000, 30_000, 30_000, 30_000, 30_000]);
  });

  test('waits a random part of the longest wait, so that clients do not reconnect at the same time', async () => {
    const waits: number[] = [];
    const randoms = [0, 0.25, 0.5];
    let calls = 0;
    const manager = new ReconnectionManager({
      connect: () => {
        calls += 1;
        if (calls < 3) throw new Error('no route');
      },
      random: () => randoms.shift()!,
      sleep: async (millis) => waits.push(millis),
    });
    await manager.reconnect();
    expect(waits).toEqual([0, 500, 2000]);
  });

  test('starts the count anew after a success', async () => {
    const waits: number[] = [];
    const outcomes = [false, false, true, false, true];
    const manager = new ReconnectionManager({
      connect: () => {
        if (!outcomes.shift()) throw new Error('no route');
      },
      random: () => 1,
      sleep: async (millis) => waits.push(millis),
    });
    await manager.reconnect();
    await manager.reconnect();
    expect(waits).toEqual([1000, 2000, 4000, 1000, 2000]);
  });

  test.each([
    ['the status 401', { status: 401 }],
    ['the status 403', { status: 403 }],
    ['the close code 4401', { code: 4401 }],
    ['the close code 4403', { code: 4403 }],
    ['a removal', { reason: 'removed' }],
    ['a failure that is not retryable', { retryable: false }],
  ])('stops at once after %s', async (_, fields) => {
    let calls = 0;
    const { clock, manager } = setUp(() => {
      calls += 1;
      throw Object.assign(new Error('refused'), fields);
    });
    const outcome = manager.reconnect().catch((error) => error.message);
    await clock.advance(600_000);
    expect(await outcome).toBe('refused');
    expect(calls).toBe(1);
  });

  test.each(['online', 'visible'] as const)(
    'makes an attempt at once on the event %s, and starts the count anew',
    async (event) => {
      let calls = 0;
      const { clock, device, manager } = setUp(() => {
        calls += 1;
        return failing();
      });
      void manager.reconnect().catch(() => {});
      await clock.advance(40_000);
      expect(calls).toBe(5);
      device.tell(event);
      await clock.advance(0);
      expect(calls).toBe(6);
      await clock.advance(1999);
      expect(calls).toBe(6);
      await clock.advance(1);
      expect(calls).toBe(7);
    },
  );

  test('shares one run between callers, and leaves no listener and no timer', async () => {
    let calls = 0;
    const { clock, device, manager } = setUp(() => {
      calls += 1;
    });
    const first = manager.reconnect();
    expect(manager.reconnect()).toBe(first);
    await clock.advance(1000);
    await first;
    expect(calls).toBe(1);
    expect(device.held).toBe(0);
  });

  test('stops when stop() is called', async () => {
    let calls = 0;
    const { clock, device, manager } = setUp(() => {
      calls += 1;
      return failing();
    });
    const run = manager.reconnect();
    await clock.advance(1500);
    manager.stop();
    await run;
    await clock.advance(600_000);
    expect(calls).toBe(1);
    expect(device.held).toBe(0);
  });
});

describe('the states of a client', () => {
  test.each([
    ['idle', 'dial', 'connecting'],
    ['connecting', 'opened', 'open'],
    ['connecting', 'lost', 'waiting'],
    ['connecting', 'gaveUp', 'closed'],
    ['open', 'lost', 'waiting'],
    ['open', 'dial', 'open'],
    ['waiting', 'dial', 'connecting'],
    ['waiting', 'opened', 'open'],
    ['waiting', 'gaveUp', 'closed'],
    ['closed', 'dial', 'connecting'],
    ['closed', 'opened', 'closed'],
    ['idle', 'close', 'closed'],
    ['open', 'close', 'closed'],
    ['waiting', 'close', 'closed'],
  ] as const)('%s, %s: %s', (state, happening, expected) => {
    expect(nextState(state, happening)).toBe(expected);
  });
});
